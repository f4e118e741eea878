"""What is said of streams of Ollama's own API, one rule a module, by family."""
