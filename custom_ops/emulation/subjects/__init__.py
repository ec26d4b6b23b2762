"""The emulated kernels as subjects of the conformance suite."""
