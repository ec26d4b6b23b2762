"""Generated mutants of the kernels and of the NumPy subject, and the verdict of the suite on each."""
