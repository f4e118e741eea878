"""OpenAI's legacy completions. Core."""
