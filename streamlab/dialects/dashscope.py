"""Alibaba Cloud Model Studio (DashScope): its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait, host

DIALECT = Dialect(
    name="dashscope",
    title="Alibaba Cloud Model Studio (DashScope)",
    signs=(
        *host("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"),
        Sign(Kind.HEADER, "x-dashscope-*", 12),
        Sign(Kind.ORDER, "choices,object,usage,created,system_fingerprint,model,id", 10),
        Sign(Kind.TRAIT, Trait.NULL_FINGERPRINT, 1),
        Sign(Kind.MODEL, "qw(en|q).*", 2),
        Sign(Kind.ID, "chatcmpl-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 1),
    ),
    deviations=("reasoning-field-variants",),
    reported=(
        "cumulative-content",
        "tool-call-name-empty-continuation",
    ),
    evidence="5 streams recorded by others, 5 recognised without the host.",
)
