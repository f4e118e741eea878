"""Repairing: a broken stream in, the stream OpenAI would have sent out. Core."""
