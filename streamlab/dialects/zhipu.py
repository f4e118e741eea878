"""Zhipu AI and Z.ai: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait, host

DIALECT = Dialect(
    name="zhipu",
    title="Zhipu AI and Z.ai",
    signs=(
        *host("open.bigmodel.cn", "api.z.ai"),
        Sign(Kind.ID, r"20\d{12}[0-9a-f]{16,18}", 6),
        Sign(Kind.MODEL, "glm-.*", 3),
        Sign(Kind.ORDER, "id,created,model,choices", 4),
        Sign(Kind.ORDER, "id,created,object,model,choices", 4),
        Sign(Kind.TRAIT, Trait.NO_OBJECT, 2),
        Sign(Kind.HEADER, "server=zenzga", 10),
    ),
    deviations=(
        "finish-reason-key-absent",
        "finish-reason-on-content-chunk",
        "finish-reason-repeated",
        "object-wrong",
        "reasoning-field-variants",
        "role-every-chunk",
        "usage-on-content-or-finish-chunk",
    ),
    reported=("role-empty-or-null",),
    evidence="49 streams recorded by others, 49 recognised without the host.",
)
