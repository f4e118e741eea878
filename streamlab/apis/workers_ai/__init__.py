"""Cloudflare Workers AI's own streams. Recognised, so that nothing is said of them that was not judged. Core."""
