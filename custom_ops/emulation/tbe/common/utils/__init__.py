"""As in CANN's package."""
