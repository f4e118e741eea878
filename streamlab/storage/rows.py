"""Rows of a capture as what they mean. Captures come from elsewhere: every value is checked for its type and range."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple

from streamlab.outline import Ending
from streamlab.storage.process_identity import is_alive

if TYPE_CHECKING:  # a list needs no exchange
    from streamlab.exchange import Headers, Request, ResponseHead

MOST = 2**53  # microseconds, bytes and counts beyond it are no measurements


class ExchangeOverview(NamedTuple):
    """One line about an exchange; times in microseconds since the request's first byte."""

    id: int
    started_at: str | None
    label: str | None
    tap: str | None
    method: str | None
    url: str | None
    model: str | None
    status: int | None
    ending: Ending
    ending_reason: str | None
    in_progress: bool
    bytes: int
    segments: int
    head_us: int | None
    first_us: int | None
    end_us: int | None


class DamagedRowError(ValueError):
    """A value is not of the kind that its column holds."""


def natural(row: sqlite3.Row, name: str) -> int | None:
    """A number that is not negative, or NULL."""
    value = row[name]
    if value is None or (isinstance(value, int) and 0 <= value < MOST):
        return value
    if isinstance(value, float) and value.is_integer() and 0 <= value < MOST:  # what total() gives
        return int(value)
    raise DamagedRowError(f"{name} is no number that can be")


def text(row: sqlite3.Row, name: str) -> str | None:
    """A text, or NULL."""
    value = row[name]
    if value is None or isinstance(value, str):
        return value
    raise DamagedRowError(f"{name} is no text")


def blob(row: sqlite3.Row, name: str) -> bytes | None:
    """Bytes, or NULL."""
    value = row[name]
    if value is None or isinstance(value, bytes):
        return value
    raise DamagedRowError(f"{name} is not bytes")


def headers(row: sqlite3.Row, name: str) -> Headers:
    """A JSON list of names and values."""
    found = _json(text(row, name) or "[]", name)
    if not isinstance(found, list):
        raise DamagedRowError(f"{name} is no list")
    for one in found:
        if not isinstance(one, list) or len(one) != 2 or not all(isinstance(part, str) for part in one):
            raise DamagedRowError(f"{name} holds what is no header")
    return tuple((key, value) for key, value in found)


def notes(row: sqlite3.Row) -> dict[str, Any]:
    """The notes, a JSON object."""
    found = _json(text(row, "notes") or "{}", "notes")
    if not isinstance(found, dict):
        raise DamagedRowError("notes are no object")
    return found


def _json(value: str, name: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise DamagedRowError(f"{name} is no JSON") from None


def ending(stored: str | None, process: str | None, found: dict[str, Any]) -> Ending:
    """How it ended; what is not over goes on as long as its recorder lives. Says so in the notes."""
    if stored is not None:
        try:
            return Ending(stored)
        except ValueError:
            raise DamagedRowError("ending is none of ours") from None
    if process is not None and is_alive(process):
        found["in_progress"] = True
    else:
        found.setdefault("ending_reason", "recorder-gone")
    return Ending.INTERRUPTED


def request(row: sqlite3.Row, body: bytes | None) -> Request | None:
    """The request; None when it is not known."""
    url = text(row, "url")
    if url is None:
        return None
    from streamlab.exchange import Request

    return Request(text(row, "method") or "", url, headers(row, "request_headers"), body)


def head(row: sqlite3.Row) -> ResponseHead | None:
    """The response's head; None when none came."""
    status = natural(row, "status")
    if status is None:
        return None
    if status > 999:
        raise DamagedRowError("status is none")
    version, reason = text(row, "http_version") or "1.1", text(row, "reason") or ""
    from streamlab.exchange import ResponseHead

    return ResponseHead(status, headers(row, "response_headers"), natural(row, "head_us"), reason, version)


def overview(row: sqlite3.Row) -> ExchangeOverview:
    """One line; of a row that is damaged what can be read, and that it is damaged."""
    damage: list[str] = []

    def read(kind: Any, name: str) -> Any:
        try:
            return kind(row, name)
        except DamagedRowError as error:
            damage.append(str(error))
            return None

    found: dict[str, Any] = {}
    try:
        how = ending(None if row["unfinished"] else text(row, "ending"), text(row, "recorder"), found)
    except DamagedRowError as error:
        damage.append(str(error))
        how = Ending.INTERRUPTED
    reason = read(text, "ending_reason") or found.get("ending_reason")
    values: dict[str, Any] = {name: read(text, name) for name in ("started_at", "label", "tap", "method", "url")}
    values |= {name: read(natural, name) for name in ("status", "head_us", "first_us", "end_us")}
    sizes: dict[str, Any] = {name: read(natural, name) or 0 for name in ("bytes", "segments")}
    model = row["model"] if isinstance(row["model"], str) else None
    if damage:
        reason = f"damaged: {damage[0]}"
    return ExchangeOverview(
        id=row["id"],
        model=model,
        ending=how,
        ending_reason=reason,
        in_progress="in_progress" in found,
        **values,
        **sizes,
    )
