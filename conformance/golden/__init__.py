"""Committed results: what the oracle must agree with."""
