"""Moonshot AI (Kimi): its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="moonshot",
    title="Moonshot AI (Kimi)",
    signs=(
        *host("api.moonshot.cn", "api.moonshot.ai", "api.kimi.com"),
        Sign(Kind.CHOICE_KEY, "usage", 6),
        Sign(Kind.FINGERPRINT, "fpv0_[0-9a-f]+", 6),
        Sign(Kind.ID, "chatcmpl-[A-Za-z0-9]{24}", 2),
        Sign(Kind.USAGE_KEY, "cached_tokens", 2),
        Sign(Kind.MODEL, "(kimi|moonshot).*", 3),
        Sign(Kind.HEADER, "msh-*", 10),
    ),
    deviations=(
        "reasoning-field-variants",
        "usage-in-choice",
    ),
    reported=(
        "usage-inconsistent",
        "usage-on-content-or-finish-chunk",
    ),
    evidence="2 streams recorded by others, 2 recognised without the host.",
)
