"""Dialects: one file per vendor: data, never code. Core."""
