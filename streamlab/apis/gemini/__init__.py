"""Gemini's streamGenerateContent. Core."""
