"""vLLM: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="vllm",
    title="vLLM",
    signs=(
        Sign(Kind.FINGERPRINT, "vllm-.*", 10),
        Sign(Kind.CHOICE_KEY, "stop_reason", 5),
        Sign(Kind.CHUNK_KEY, "prompt_token_ids", 4),
        Sign(Kind.CHOICE_KEY, "token_ids", 4),
        Sign(Kind.CHUNK_KEY, "prompt_text", 2),
        Sign(Kind.ID, "(chatcmpl|chat)-([0-9a-f]{32}|[0-9a-f]{16})", 4),
        Sign(Kind.CALL_ID, "chatcmpl-tool-[0-9a-f]{16,32}", 8),
        Sign(Kind.ORDER, "id,object,created,model,choices", 1),
        Sign(Kind.TRAIT, Trait.NO_FINGERPRINT, 1),
    ),
    deviations=(
        "finish-reason-on-content-chunk",
        "unknown-extension-fields",
        "usage-on-every-chunk",
        "usage-unrequested",
    ),
    reported=(
        "empty-tool-calls-array",
        "json-nan-infinity",
        "tool-call-arguments-not-json",
        "tool-call-arguments-null",
        "tool-call-arguments-truncated",
        "tool-call-id-empty-continuation",
    ),
    evidence="10 streams recorded by others, 10 recognised without the host.",
)
