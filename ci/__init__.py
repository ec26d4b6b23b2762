"""Continuous integration: `ci/run` and the matrix of hardware targets."""
