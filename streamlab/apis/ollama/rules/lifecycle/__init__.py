"""How a stream of Ollama's ends."""
