"""Sharing: an exchange as it may be shown to others, with every finding it had. Core."""
