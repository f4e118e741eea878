"""Rules of chat completions: one file per deviation, in families. Core."""
