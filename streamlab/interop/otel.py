"""An exchange as a trace: OTLP in JSON, with the GenAI semantic conventions, as collectors and their kin take it.

One span for the answer, from the request's first byte to the end; what was found, the first token and long gaps are its
events. Needs the extra ``otel``; nothing of it is on the recorder's way. The same exchange gives the same ids.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from streamlab import __version__
from streamlab.about import requirement
from streamlab.errors import UsageError
from streamlab.exchange import Ending, Exchange
from streamlab.judging.analyzer import analyze
from streamlab.judging.ranking import worst_first
from streamlab.judging.report import Report
from streamlab.report.timeline import timeline_rows
from streamlab.rules.finding import Severity
from streamlab.wire.payload import decode_payload
from streamlab.wire.visible import visible

#: A silence that is worth an event.
_GAP_US = 1_000_000
_MOST_EVENTS = 128
_OPERATIONS = (("embeddings", "embeddings"), ("completions", "chat"), ("messages", "chat"), ("responses", "chat"))


def spans(exchange: Exchange) -> str:
    """The trace of an exchange as OTLP/JSON. Raises UsageError where the extra is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import Event, ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
    except ImportError:
        raise UsageError(f"--as otel needs the extra: pip install '{requirement('otel')}'") from None
    from google.protobuf.json_format import MessageToDict

    report, start = analyze(exchange), _start_ns(exchange)
    trace_id, span_id = _ids(exchange)
    failed = exchange.ending is not Ending.COMPLETE or any(one.severity is Severity.ERROR for one in report.findings)
    end_us = exchange.end_us or max((row.offset_us or 0 for row in timeline_rows(exchange)), default=0)
    span = ReadableSpan(
        name=_name(exchange),
        context=SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)),
        resource=Resource({"service.name": "streamlab"}),
        kind=SpanKind.CLIENT,
        attributes=dict(_attributes(exchange, report)),
        events=[Event(name, told, start + at * 1000) for name, told, at in _events(exchange, report)],
        start_time=start,
        end_time=start + end_us * 1000,
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
        instrumentation_scope=InstrumentationScope("streamlab", __version__),
    )
    document = MessageToDict(encode_spans([span]), use_integers_for_enums=True)
    return json.dumps(_hexadecimal(document), indent=1, ensure_ascii=True) + "\n"


def _hexadecimal(value: Any) -> Any:
    """Ids in hexadecimal, as OTLP's JSON has them, where protobuf's own has base64."""
    if isinstance(value, list):
        return [_hexadecimal(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(one).hex() if key in ("traceId", "spanId", "parentSpanId") else _hexadecimal(one)
        for key, one in value.items()
    }


def _start_ns(exchange: Exchange) -> int:
    try:
        return int(datetime.fromisoformat(str(exchange.started_at)).timestamp() * 1_000_000) * 1000
    except (ValueError, OverflowError):
        return 0


def _ids(exchange: Exchange) -> tuple[int, int]:
    request = exchange.request.body if exchange.request is not None and exchange.request.body else b""
    digest = hashlib.sha256(str(exchange.started_at).encode() + b"\0" + request + b"\0" + exchange.body).digest()
    return int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:24], "big") or 1


def _model(exchange: Exchange) -> str | None:
    body = exchange.request.body if exchange.request is not None else None
    value = decode_payload(body).value if body else None
    model = value.get("model") if isinstance(value, dict) else None
    return visible(model, 200) if isinstance(model, str) else None


def _operation(exchange: Exchange) -> str:
    path = urlsplit(exchange.request.url).path if exchange.request is not None else ""
    return next((operation for end, operation in _OPERATIONS if path.rstrip("/").endswith(end)), "chat")


def _name(exchange: Exchange) -> str:
    return " ".join(filter(None, (_operation(exchange), _model(exchange))))


def _attributes(exchange: Exchange, report: Report) -> Iterator[tuple[str, str | int | float | tuple[str, ...]]]:
    request, head, metrics = exchange.request, exchange.head, report.metrics
    yield "gen_ai.operation.name", _operation(exchange)
    yield "gen_ai.provider.name", (report.api.vendor or "unknown").lower()
    if (model := _model(exchange)) is not None:
        yield "gen_ai.request.model", model
    if request is not None:
        host = urlsplit(request.url)
        if host.hostname:
            yield "server.address", visible(host.hostname, 200)
        yield "http.request.method", visible(request.method, 20)
    if head is not None:
        yield "http.response.status_code", head.status
    reason = report.completion.get("finish_reason")
    if isinstance(reason, str):
        yield "gen_ai.response.finish_reasons", (visible(reason, 60),)
    if metrics.prompt_tokens is not None:
        yield "gen_ai.usage.input_tokens", metrics.prompt_tokens
    if metrics.completion_tokens is not None:
        yield "gen_ai.usage.output_tokens", metrics.completion_tokens
    if metrics.ttft_us is not None:
        yield "gen_ai.server.time_to_first_token", metrics.ttft_us / 1_000_000
    yield "streamlab.api", str(report.api)
    yield "streamlab.ending", str(exchange.ending)
    yield "streamlab.events", metrics.events
    if report.dialect:
        yield "streamlab.dialect", report.dialect
    if exchange.ending is not Ending.COMPLETE:
        yield "error.type", str(exchange.ending)


def _events(exchange: Exchange, report: Report) -> Iterator[tuple[str, dict[str, str | int], int]]:
    """(name, attributes, microseconds): the first token, long gaps, findings; as many as a collector takes."""
    told: list[tuple[str, dict[str, str | int], int]] = []
    if report.metrics.ttft_us is not None:
        told.append(("gen_ai.first_token", {}, report.metrics.ttft_us))
    for row in timeline_rows(exchange):
        if (row.gap_us or 0) >= _GAP_US and row.offset_us is not None:
            told.append(
                ("streamlab.gap", {"streamlab.gap_us": row.gap_us or 0, "streamlab.event": row.event}, row.offset_us)
            )
    for one in worst_first(report.findings)[:_MOST_EVENTS]:
        about: dict[str, str | int] = {
            "streamlab.rule": one.rule,
            "streamlab.severity": str(one.severity),
            "streamlab.message": visible(one.message, 300),
        }
        if one.event is not None:
            about["streamlab.event"] = one.event
        told.append(("streamlab.finding", about, one.offset_us or 0))
    yield from sorted(told[:_MOST_EVENTS], key=lambda event: event[2])
