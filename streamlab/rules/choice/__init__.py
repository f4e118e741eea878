"""Rules about choices."""
