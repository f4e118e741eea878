"""Rules about errors inside and instead of a stream."""
