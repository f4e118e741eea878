"""Perplexity: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait, host

DIALECT = Dialect(
    name="perplexity",
    title="Perplexity",
    signs=(
        *host("api.perplexity.ai"),
        Sign(Kind.CHUNK_KEY, "search_results", 5),
        Sign(Kind.CHUNK_KEY, "citations", 4),
        Sign(Kind.USAGE_KEY, "search_context_size", 6),
        Sign(Kind.MODEL, "(sonar|r1-1776).*", 4),
        Sign(Kind.CHOICE_KEY, "message", 2),
        Sign(Kind.TRAIT, Trait.CRLF, 1),
    ),
    deviations=(
        "created-wrong-type",
        "done-missing",
        "finish-reason-key-absent",
        "full-message-repeated",
        "object-wrong",
        "role-every-chunk",
        "sse-line-endings",
        "unknown-extension-fields",
        "usage-on-every-chunk",
        "usage-unrequested",
    ),
    reported=("reasoning-field-variants",),
    evidence="14 streams recorded by others, 14 recognised without the host.",
)
