"""OpenAI's chat completions: what they promise, how they are read, judged and repaired. Core."""
