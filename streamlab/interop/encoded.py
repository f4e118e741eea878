"""Streams in the clothes of another carrier: hexadecimal digits, base64, quoted-printable, a URL, HTML's entities.

Mail programs, browsers' "copy as data URL", trackers of issues and word processors write a body like this. Each layer
gives the bytes inside, or None where the text is nothing of the kind; whether those read better, the caller asks.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from streamlab.errors import UnreadableInputError
from streamlab.interop.pasted import Paste
from streamlab.interop.saved import decoded
from streamlab.lazy_pattern import lazy_pattern

_HEX = lazy_pattern(rb"(?:[0-9a-fA-F]{2}\s*){20,}")
_BASE64 = lazy_pattern(rb"[A-Za-z0-9+/_-]{4}[A-Za-z0-9+/_\s-]{20,}={0,2}")
_DATA_URL = lazy_pattern(rb"\s*['\"(]?data:[\w/.+-]{3,80}((?:;[\w=.\"-]{1,80}){0,5}),([^\s'\")]+)['\")]?\s*")
_QUOTED_PRINTABLE = lazy_pattern(rb"=(?:3[Dd]|22|0[Aa]|20|[EeCcFf][0-9A-Fa-f])|=\r?\n")
_CURLY = str.maketrans(dict.fromkeys("\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}„‟«»", '"'))
_OPENED = lazy_pattern("\\{\\s*[\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}„«]")

_ESCAPED = lazy_pattern(rb"\\\\|\\([_*\[\]`~#|<>.!()+-])")
_BARE_UNDERSCORE = lazy_pattern(rb"(?<!\\)_")
_INVISIBLE = lazy_pattern("^[\u200b\u2060\ufeff]+|[\u200b\u2060]+$", re.MULTILINE)
_FIELD_BLANK = lazy_pattern("^((?:data|event|id|retry):)\u00a0", re.MULTILINE)


def peel_digits(paste: Paste) -> Paste | None:
    """Nothing but hexadecimal digits, or base64: of the body, or of what gzip made of it."""
    text = paste.body.strip()
    if _HEX.fullmatch(text):
        return _inside(paste, bytes.fromhex(text.decode("ascii")), "hexadecimal digits")
    return _inside(paste, _base64(text), "base64") if _BASE64.fullmatch(text) else None


def peel_data_url(paste: Paste) -> Paste | None:
    """A URL that holds its document: ``data:text/event-stream;base64,…``."""
    found = _DATA_URL.fullmatch(paste.body)
    if found is None:
        return None
    written = unquote_to_bytes(found[2])
    return _inside(paste, _base64(written) if found[1].endswith(b";base64") else written, "a data URL")


def is_data_url(body: bytes) -> bool:
    """Whether the whole is such a URL, which also reads like the field of an event."""
    return _DATA_URL.fullmatch(body) is not None


def peel_percent(paste: Paste) -> Paste | None:
    """Text as URLs write it: ``data%3A%20%7B%22…``."""
    if b"%7B%22" not in paste.body[:4096].upper() or b" " in paste.body.strip():
        return None
    return _inside(paste, unquote_to_bytes(paste.body), "the escapes of a URL")


def peel_quoted_printable(paste: Paste) -> Paste | None:
    """A mail's way to write what is no plain text: ``=3D``, and lines that end in ``=``."""
    if _QUOTED_PRINTABLE.search(paste.body) is None:
        return None
    return _inside(paste, quopri.decodestring(paste.body), "quoted-printable")


def peel_entities(paste: Paste) -> Paste | None:
    """The source of a page: ``{&quot;id&quot;:…``."""
    if b"&quot;" not in paste.body and b"&#34;" not in paste.body:
        return None
    return _inside(
        paste,
        html.unescape(paste.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"),
        "the entities of HTML",
    )


def peel_curly_quotes(paste: Paste) -> Paste | None:
    """Quotation marks that a word processor or a chat window made curly."""
    text = paste.body.decode("utf-8", "surrogateescape")
    if _OPENED.search(text) is None:
        return None
    return _inside(paste, text.translate(_CURLY).encode("utf-8", "surrogateescape"), "curly quotation marks")


def peel_markdown_escapes(paste: Paste) -> Paste | None:
    """Backslashes of Markdown before what JSON escapes never: ``finish\\_reason``, ``\\[DONE\\]``.

    Before every underscore, since a server that escapes too much in a text still names its members as they are.
    """
    if b"\\_" not in paste.body or _BARE_UNDERSCORE.search(paste.body) is not None:
        return None
    return _inside(paste, _ESCAPED.sub(lambda found: found[1] or found[0], paste.body), "Markdown's backslashes")


def peel_blanks(paste: Paste) -> Paste | None:
    """Blanks that a chat window made no-break ones, and characters without width around lines."""
    text = paste.body.decode("utf-8", "surrogateescape")
    shown = _INVISIBLE.sub("", text)
    shown = _FIELD_BLANK.sub(r"\1 ", shown) if " " in shown else shown.replace("\u00a0", " ")
    return (
        _inside(paste, shown.encode("utf-8", "surrogateescape"), "blanks of a chat window") if shown != text else None
    )


def _base64(text: bytes) -> bytes:
    compact = b"".join(text.split()).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        data = base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error:
        return b""
    try:
        return decoded(data)
    except UnreadableInputError:
        return b""


def _inside(paste: Paste, body: bytes, what: str) -> Paste | None:
    return replace(paste, body=body, took=(*paste.took, what)) if body else None
