"""Rules of the Responses API. Core."""
