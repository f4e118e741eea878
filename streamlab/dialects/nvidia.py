"""NVIDIA NIM: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="nvidia",
    title="NVIDIA NIM",
    signs=(
        *host("integrate.api.nvidia.com", "api.nvcf.nvidia.com"),
        Sign(Kind.HEADER, "nvcf-reqid", 12),
        Sign(Kind.HEADER, "nvcf-status", 12),
    ),
    evidence="No stream was read: signs and deviations are what its documentation and issue tracker say.",
    witnessed=False,
)
