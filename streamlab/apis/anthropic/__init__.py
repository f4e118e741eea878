"""Anthropic's Messages API. Core."""
