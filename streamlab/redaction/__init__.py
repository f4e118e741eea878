"""Redaction: which names and forms secrets have, and heads without them. Core.

It is the one exception to "bytes are evidence" (docs/architecture.md, law 1). Heads are redacted before anything is
written; bodies are evidence and are masked on the way out (`streamlab.sharing`), or before with ``--redact-bodies``.
Pure functions; replacing twice is replacing once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlab.redaction.detectors import MASK, Secret, find_secrets, find_secrets_in_bytes
    from streamlab.redaction.heads import redact_headers, redact_line, redact_url
    from streamlab.redaction.masked_names import mask_name
    from streamlab.redaction.names import REDACTED, is_secret_member, is_secret_name

__all__ = [
    "MASK",
    "REDACTED",
    "Secret",
    "find_secrets",
    "find_secrets_in_bytes",
    "is_secret_member",
    "is_secret_name",
    "mask_name",
    "redact_headers",
    "redact_line",
    "redact_url",
]
_MODULES = {
    "detectors": ("MASK", "Secret", "find_secrets", "find_secrets_in_bytes"),
    "heads": ("redact_headers", "redact_line", "redact_url"),
    "masked_names": ("mask_name",),
    "names": ("REDACTED", "is_secret_member", "is_secret_name"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:  # loaded by use: who looks for secrets in a text masks no heads
            value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
