"""Rules about how an answer ends."""
