"""Tests of the operator and the package."""
