"""Coze's chat. Recognised, so that nothing is said of it that was not judged. Core."""
