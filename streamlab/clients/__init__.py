"""Which client does what on which deviation: measured, or told with its source. Data in TOML, and its reader."""
