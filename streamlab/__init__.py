"""streamlab: record, show, name, mend, replay and export OpenAI-compatible streams.

Public names are resolved on first use, so importing the package loads nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing.TYPE_CHECKING without loading typing
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.2.0"

#: public name -> module that holds it
_PUBLIC = {
    "Exchange": "streamlab.exchange",
    "Request": "streamlab.exchange",
    "ResponseHead": "streamlab.exchange",
    "Segment": "streamlab.exchange",
    "Ending": "streamlab.exchange",
    "load": "streamlab.workflows.check",
    "analyze": "streamlab.workflows.check",
    "normalize": "streamlab.workflows.check",
    "replay": "streamlab.workflows.replay",
    "Normalizer": "streamlab.repairing.normalizer",
    "Report": "streamlab.judging.report",
    "Finding": "streamlab.rules.finding",
    "Severity": "streamlab.rules.finding",
}

__all__ = ["__version__", *_PUBLIC]

if TYPE_CHECKING:
    from streamlab.exchange import Ending as Ending
    from streamlab.exchange import Exchange as Exchange
    from streamlab.exchange import Request as Request
    from streamlab.exchange import ResponseHead as ResponseHead
    from streamlab.exchange import Segment as Segment
    from streamlab.judging.report import Report as Report
    from streamlab.repairing.normalizer import Normalizer as Normalizer
    from streamlab.rules.finding import Finding as Finding
    from streamlab.rules.finding import Severity as Severity
    from streamlab.workflows.check import analyze as analyze
    from streamlab.workflows.check import load as load
    from streamlab.workflows.check import normalize as normalize
    from streamlab.workflows.replay import replay as replay


def __getattr__(name: str) -> Any:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
