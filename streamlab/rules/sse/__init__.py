"""Rules about the event stream's framing."""
