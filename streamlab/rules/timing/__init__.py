"""Rules about arrival times."""
