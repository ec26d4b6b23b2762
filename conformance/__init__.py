"""A conformance suite for implementations of `multi_margin_loss`. README.md is the introduction."""
