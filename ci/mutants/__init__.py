"""Machine-made mutants of the kernels and of the NumPy subject, each put to the conformance suite."""
