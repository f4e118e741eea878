"""Rules about token usage."""
