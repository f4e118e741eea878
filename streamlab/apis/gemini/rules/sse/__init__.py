"""Rules about how events are framed."""
