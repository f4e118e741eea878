"""Judging: rules run over an exchange, and what they found. Core."""
