"""AG-UI's events."""
