"""Stub of the CANN package with the same name."""
