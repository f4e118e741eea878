"""Rules: one file per deviation, in families. Core."""
