"""Rules about the Responses API."""
