"""Rules about how a stream begins, finishes and ends."""
