"""Tui: the workbench. Front."""
