"""Databricks: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="databricks",
    title="Databricks",
    signs=(
        *host("azuredatabricks.net", "databricks.com"),
        Sign(Kind.HEADER, "server=databricks", 12),
        Sign(Kind.HEADER, "x-databricks-*", 12),
        Sign(Kind.ORDER, "model,choices,usage,object,id,created", 8),
        Sign(Kind.MODEL, "databricks-.*", 6),
        Sign(Kind.ID, "msg_bdrk_.*", 4),
        Sign(Kind.MODEL, r"us\.anthropic\..*", 3),
    ),
    deviations=(
        "content-array-parts",
        "created-wrong-type",
        "done-missing",
        "role-every-chunk",
        "tool-call-arguments-null",
        "usage-inconsistent",
        "usage-on-every-chunk",
        "usage-unrequested",
    ),
    evidence="28 streams recorded by others, 22 recognised without the host.",
    outer=True,
)
