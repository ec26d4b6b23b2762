"""Committed results with which the oracle must agree."""
