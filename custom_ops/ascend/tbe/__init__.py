"""The kernels in TBE, CANN's Python DSL."""
