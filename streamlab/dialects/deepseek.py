"""DeepSeek: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="deepseek",
    title="DeepSeek",
    signs=(
        *host("api.deepseek.com"),
        Sign(Kind.USAGE_KEY, "prompt_cache_hit_tokens", 7),
        Sign(Kind.USAGE_KEY, "prompt_cache_miss_tokens", 3),
        Sign(Kind.FINGERPRINT, "fp_[0-9a-f]+_prod.*|.*_fp8_kvcache.*", 8),
        Sign(Kind.MODEL, "deepseek-.*", 2),
        Sign(Kind.COMMENT, "keep-alive", 2),
        Sign(Kind.ID, "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 1),
    ),
    deviations=(
        "content-null-placeholder",
        "reasoning-field-variants",
        "usage-on-content-or-finish-chunk",
        "usage-unrequested",
    ),
    reported=(
        "finish-reason-missing",
        "finish-reason-unknown-value",
        "sse-comment-keepalive",
    ),
    evidence="49 streams recorded by others, 49 recognised without the host.",
)
