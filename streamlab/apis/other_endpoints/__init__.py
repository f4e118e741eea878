"""OpenAI's endpoints that answer no chat."""
