"""The conformance suite: what it asks, of whom, and what came of it. It knows nothing of kernels but their names."""
