"""Dify's chat messages. Recognised, so that nothing is said of it that was not judged. Core."""
