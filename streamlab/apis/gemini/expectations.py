"""What Gemini's API and Vertex send, as counted."""

from __future__ import annotations

from streamlab.rules.sources import Source

GEMINI_OBSERVED = Source("Gemini and Vertex, observed", "86 streams recorded by public projects", "")
