"""Rules about the members every chunk has."""
