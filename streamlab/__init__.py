"""streamlab: record, show, name, mend, replay and export OpenAI-compatible streams.

Public names are resolved on first use, so importing the package loads nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: public name -> module that holds it
_PUBLIC = {
    "Exchange": "streamlab.exchange",
    "Request": "streamlab.exchange",
    "ResponseHead": "streamlab.exchange",
    "Segment": "streamlab.exchange",
    "Ending": "streamlab.exchange",
    "load": "streamlab.api",
    "analyze": "streamlab.api",
    "normalize": "streamlab.api",
    "replay": "streamlab.replaying",
    "Normalizer": "streamlab.engine.normalizer",
    "Report": "streamlab.engine.report",
    "Finding": "streamlab.rules.finding",
    "Severity": "streamlab.rules.finding",
}

__all__ = ["__version__", *_PUBLIC]

if TYPE_CHECKING:
    from streamlab.api import analyze as analyze
    from streamlab.api import load as load
    from streamlab.api import normalize as normalize
    from streamlab.engine.normalizer import Normalizer as Normalizer
    from streamlab.engine.report import Report as Report
    from streamlab.exchange import Ending as Ending
    from streamlab.exchange import Exchange as Exchange
    from streamlab.exchange import Request as Request
    from streamlab.exchange import ResponseHead as ResponseHead
    from streamlab.exchange import Segment as Segment
    from streamlab.replaying import replay as replay
    from streamlab.rules.finding import Finding as Finding
    from streamlab.rules.finding import Severity as Severity


def __getattr__(name: str) -> Any:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
