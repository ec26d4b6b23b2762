"""Continuous integration: the targets of `ci/run`, the matrix of hardware targets, and the README's tables."""
