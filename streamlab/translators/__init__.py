"""Translators: one file per foreign protocol: its stream turned into chat chunks. Core."""
