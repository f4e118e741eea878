"""Rules about Messages streams, in families; each is one deviation."""
