"""Wire: bytes <-> meaning; the only place where bytes are interpreted. Core: touches nothing."""
