"""The kernels in AKG's Hybrid DSL."""
