"""Expectations: what OpenAI promises, as tables; nothing here judges. Core."""
