"""OpenAI's Responses API: what it promises, how it is judged and repaired. Core."""
