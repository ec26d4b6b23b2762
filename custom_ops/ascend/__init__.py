"""Kernels for Ascend."""
