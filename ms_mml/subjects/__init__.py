"""This package as subjects of the conformance suite: the operator, its fallback, and the kernel library."""
