"""Rules about Gemini, of which only what bites a client is told: its streams are not judged."""
