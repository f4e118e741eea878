"""Rules about errors inside a stream of chat chunks."""
