"""Comparing: two exchanges, or one and what OpenAI would have sent. Core."""
