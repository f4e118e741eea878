"""What commands print of exchanges: without known secrets, as everything else that leaves is, and no finding less.

A terminal is pasted from and a build's log is public, so what is said of a stream is masked as its exports are. A
check of many streams looks at what it is going to say, and masks only those streams of which that holds a secret. A
body of any size is masked: what is longer than 8 MiB part by part, half a second a megabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from streamlab.exchange import Exchange
from streamlab.judging.report import Report
from streamlab.record import changed
from streamlab.redaction.detectors import find_secrets
from streamlab.sharing.secret_places import secrets_in
from streamlab.sharing.wanted import Masking
from streamlab.wire.content_coding import BodyDecoder

__all__ = ["as_shown", "report_without_secrets"]

#: Reads of a body by which it is seen whether it is coded.
_FIRST_READS = 64
#: What may follow where a text was cut off, so that the beginning of a key betrays itself.
_CUT_OFF, _GOES_ON = "…", "0123456789" * 8


def as_shown(exchange: Exchange, masking: Masking | None) -> Exchange:
    """The exchange as a command shows it (None: as it is); the same object where nothing is masked.

    Raises UnreadableInputError where a compressed body cannot be written again without its secret.
    """
    if masking is None:
        return exchange
    # Deferred: most of what is said holds no secret, and then nothing is masked.
    from streamlab.sharing.parts import masked_in_parts
    from streamlab.sharing.shared import share

    whole = changed(exchange, segments=tuple(exchange.segments))
    if _is_long(whole) and not _is_coded(whole):
        shown = share(changed(whole, segments=()), masking).exchange
        shown = changed(shown, segments=tuple(masked_in_parts(whole.segments, masking)))
    else:
        shown = share(whole, masking).exchange
    return exchange if shown == whole else shown


def report_without_secrets(
    exchange: Exchange, report: Report, masking: Masking | None, again: Callable[[Exchange], Report]
) -> Report:
    """The report, which says no known secret; ``again`` judges an exchange as this one was."""
    if masking is None or not any(_holds_secret(text, masking) for text in _texts(report)):
        return report
    return _masked(again(as_shown(exchange, masking)), masking)


def _is_long(exchange: Exchange) -> bool:
    from streamlab.sharing.parts import MOST_AT_ONCE

    return sum(len(one.data) for one in exchange.segments) > MOST_AT_ONCE


def _is_coded(exchange: Exchange) -> bool:
    """Whether what a client reads of the body is not its bytes, by its head or by its beginning."""
    decoder = BodyDecoder.of(exchange.head, guess=True)
    for one in exchange.segments[:_FIRST_READS]:
        decoder.feed(one.data)
    return bool(decoder.codings)


def _holds_secret(text: str, masking: Masking) -> bool:
    if secrets_in(text, masking.patterns):
        return True
    return _CUT_OFF in text and bool(find_secrets(text.replace(_CUT_OFF, _GOES_ON)))


def _texts(report: Report) -> Iterator[str]:
    for one in report.findings:
        yield one.message
        yield from _strings((one.path, one.expected, one.actual))
    yield from _strings(report.completion)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _strings(key)
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)


def _masked(report: Report, masking: Masking) -> Report:
    """The texts of a report masked one by one: those of a body that was not, and what joins what no body joins."""
    from streamlab.sharing.masking import mask_text

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return mask_text(value, masking.patterns)
        if isinstance(value, dict):
            return {clean(key): clean(one) for key, one in value.items()}
        return [clean(one) for one in value] if isinstance(value, list | tuple) else value

    findings = tuple(
        changed(
            one,
            message=clean(one.message), path=clean(one.path), expected=clean(one.expected), actual=clean(one.actual),
        )
        for one in report.findings
    )  # fmt: skip
    return changed(report, findings=findings, completion=clean(report.completion))
