"""OpenAI: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="openai",
    title="OpenAI",
    signs=(
        *host("api.openai.com"),
        Sign(Kind.HEADER, "openai-version", 6),
        Sign(Kind.HEADER, "openai-processing-ms", 6),
        Sign(Kind.ID, "chatcmpl-[A-Za-z0-9]{29}", 4),
        Sign(Kind.FINGERPRINT, "fp_[0-9a-f]{10}", 3),
        Sign(Kind.CHUNK_KEY, "service_tier", 2),
        Sign(Kind.CHUNK_KEY, "obfuscation", 2),
        Sign(Kind.DELTA_KEY, "refusal", 2),
        Sign(Kind.MODEL, "(gpt-|o[134](-|$)|chatgpt-).*", 2),
        Sign(Kind.CALL_ID, "call_[A-Za-z0-9]{24}", 1),
        Sign(Kind.ORDER, "id,object,created,model", 1),
    ),
    evidence="312 streams recorded by others, 304 recognised without the host; what it does is the norm.",
)
