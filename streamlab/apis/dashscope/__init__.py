"""DashScope's own API. Recognised, so that nothing is said of it that was not judged. Core."""
