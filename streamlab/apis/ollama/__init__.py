"""Ollama's own API. Core."""
