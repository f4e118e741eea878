"""Hostile text made harmless and visible: no control character, escape sequence or bidi trick reaches a terminal."""

from __future__ import annotations

import re

from streamlab.lazy_pattern import lazy_pattern

#: C0, DEL, C1, soft hyphen, zero-width and bidi controls, line and paragraph separators, BOM, surrogates,
#: interlinear and tag characters, unassigned planes' noncharacters.
UNSAFE = lazy_pattern(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: Those of them that Python takes for printable: fillers, marks without width, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(text: str) -> str:
    """The text in quotation marks as it stands, but for what cannot be printed: a backslash is one backslash."""
    mark = '"' if "'" in text and '"' not in text else "'"
    if text.isprintable():
        return mark + text + mark
    return mark + "".join(one if one.isprintable() else repr(one)[1:-1] for one in text) + mark


def visible(text: str, limit: int | None = None) -> str:
    """The text with every invisible or dangerous character shown (``␍``, ``␛``, ``\\u202e``), shortened to ``limit``
    characters with an ellipsis."""
    if limit is not None and len(text) > limit:
        text = text[: limit + 1]
    shown = text if text.isprintable() and _BLANK.isdisjoint(text) else UNSAFE.sub(_picture, text)
    if limit is not None and len(shown) > limit:
        return shown[: max(0, limit - 1)] + "…"
    return shown
