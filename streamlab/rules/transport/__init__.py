"""Rules about what HTTP carries."""
