"""Masks the secrets of request bodies at equal length: members named like secrets, form fields, keys of known forms.

A request comes in one piece, so its bytes are searched as they are; only strings with escaped letters are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction import MASK, find_secrets_in_bytes, is_secret_member, is_secret_name, mask_name
from streamlab.redaction.detectors import is_masked, without_prefix
from streamlab.sharing.masking import Masked, MaskedBody, cover_raw, mask_text, replaced
from streamlab.sharing.secret_places import secrets_in
from streamlab.sharing.texts import SourceText, TextSource

#: A member with a text, also in JSON that a text holds.
_MEMBER = lazy_pattern(rb'(\\{0,3}")([A-Za-z][\w.-]{1,78})\1\s{0,8}:\s{0,8}\1((?:[^"\\]|\\[^"\\]|(?!\1)\\["\\])*)')
#: A string with letters that are escaped, which any ASCII letter may be.
_ESCAPED = lazy_pattern(rb'"((?:[^"\\]|\\.)*\\u00[2-7](?:[^"\\]|\\.)*)"', re.DOTALL)
#: What may be written as in a URL, with ``%2D`` for a hyphen.
_WORDS = lazy_pattern(rb"([^\s\"'<>&=?]{12,})")
#: A field of a multipart form: its name, what else its head says, the value.
_FIELD = lazy_pattern(rb'name="([^"\r\n]{1,200})"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n(.*?)(?=\r?\n--|\Z)', re.DOTALL)
_PAIR = lazy_pattern(rb"(?:^|(?<=&))([^=&\s{\"]{1,80})=([^&\r\n]*)")
#: What names something, and the group that is the name.
_NAMED_BY = ((_MEMBER, 2), (_FIELD, 1), (_PAIR, 1))
#: What may follow where a body is not over.
_GOES_ON = b"0123456789" * 8
#: How often a place to part a body is looked for, and how far on both sides of it is looked for secrets.
_TRIES, _AROUND = 64, 512
_SCHEME = lazy_pattern(r"(?:bearer|basic|token|dpop)\s+", re.IGNORECASE)


def mask_request(
    body: bytes, patterns: Sequence[re.Pattern[str]] = (), *, complete: bool = True, begins: bool = True
) -> MaskedBody:
    """The body of a request without its secrets, as long as before. Of one that is not ``complete`` what may be the
    beginning of a secret at its end is masked too; where it ``begins`` earlier, this is a later part."""
    if not complete:
        whole = mask_request(body + _GOES_ON, patterns, begins=begins)
        return MaskedBody(whole.data[: len(body)], tuple(one for one in whole.secrets if one.at < len(body)))
    wide = _narrow(body)
    if wide is not None:
        at, plain = wide
        told = mask_request(plain, patterns, begins=begins)
        widened = bytearray(body)
        widened[at::2] = told.data
        return MaskedBody(bytes(widened), tuple(one._replace(at=2 * one.at) for one in told.secrets))
    masked = bytearray(body)
    found: list[Masked] = []
    for match in _MEMBER.finditer(body):
        _cover_name(match.start(2), match[2].decode(), masked, found)
        if match[3] and _names_a_secret(match[2].decode()):
            _cover_text(match.start(3), match[3], masked, found)
    if b"\\u00" in body:
        _cover_escaped(_ESCAPED.finditer(body), patterns, masked, found)
    if b"%" in body:
        words = (one for one in _WORDS.finditer(body) if b"%" in one[1])
        _cover_escaped(words, patterns, masked, found, json=False)
    if body.lstrip()[:1] not in (b"{", b"["):
        lines = b"\n" in body
        for match in (_FIELD if lines else _PAIR).finditer(body) if lines or begins else ():
            _cover_value(match, masked, found)
    for one in find_secrets_in_bytes(masked, patterns):
        cover_raw(masked, one.masked, one.stop)
        found.append(Masked(one.kind, None, one.start))
    return MaskedBody(bytes(masked), tuple(found))


def _narrow(body: bytes) -> tuple[int, bytes] | None:
    """Of UTF-16 the bytes that hold ASCII, and whether they are the even or the odd ones; None: it is no such."""
    if b"\0" not in body[:8]:
        return None
    for at in (0, 1):
        if 4 * body[1 - at :: 2].count(0) > len(body):  # at least half of them are ASCII
            return at, body[at::2]
    return None


def parting_place(body: bytes | bytearray, earliest: int, latest: int) -> int:
    """Where a body may be parted so that each part can be masked alone: behind the last sign there that is in no
    secret, and not between one and its name."""
    stop = latest
    for _ in range(_TRIES):
        stop = max(body.rfind(mark, earliest, stop) for mark in (b'"', b",", b" ", b"\n", b"&"))
        if stop < 0:
            return latest
        if not _parts_a_secret(body[stop - _AROUND : stop + _AROUND], _AROUND):
            return stop + 1
    return latest


def _parts_a_secret(window: bytes | bytearray, last: int) -> bool:
    """Whether a secret, or a name with what it names, lies on both sides of a byte."""
    named = ((one, one[group]) for form, group in _NAMED_BY for one in form.finditer(window))
    if any(one.start() < last + 1 < one.end() and _is_name(name) for one, name in named):
        return True
    return any(one.start <= last < one.stop for one in find_secrets_in_bytes(window + _GOES_ON))


def _is_name(raw: bytes) -> bool:
    name = raw.decode("latin-1")
    return is_secret_member(name) or is_secret_name(name, "")


def _names_a_secret(name: str) -> bool:
    """Whether a member holds a secret: by its name, or as the header that it is where it has the name of one."""
    return is_secret_member(name) or ("-" in name and is_secret_name(name, ""))


def _cover_name(start: int, name: str, masked: bytearray, found: list[Masked]) -> None:
    shown = mask_name(name)
    if shown != name:
        found.append(Masked("name of a member", None, start))
        masked[start : start + len(name)] = shown.encode()


def _cover_text(start: int, raw: bytes, masked: bytearray, found: list[Masked]) -> None:
    """Mask a text whole; of a key of known form, what says whose it is stays, and so does an authorization's scheme."""
    text = SourceText(TextSource(0, raw, [(0, start)]), ("",), 0, raw)
    plain = text.value
    shown = mask_text(plain)
    if shown == plain:
        scheme = _SCHEME.match(plain)
        kept = scheme.end() if scheme is not None else 0
        if is_masked(without_prefix(plain[kept:])):
            return
        shown = plain[:kept] + "".join(MASK if one.isalnum() else one for one in plain[kept:])
    if shown != plain:
        found.append(Masked("secret member", None, start))
        _write(text, {at: now for at, (was, now) in enumerate(zip(plain, shown, strict=True)) if was != now}, masked)


def _cover_escaped(
    matches: Iterable[re.Match[bytes]],
    patterns: Sequence[re.Pattern[str]],
    masked: bytearray,
    found: list[Masked],
    *,
    json: bool = True,
) -> None:
    for match in matches:
        source = TextSource(0, match[1], [(0, match.start(1))])
        text = SourceText(source, ("",), 0, match[1], json=json)
        for one in secrets_in(text.value, patterns):
            found.append(Masked(one.kind, None, match.start(1)))
            _write(text, one.covered, masked)


def _write(text: SourceText, letters: dict[int, str], masked: bytearray) -> None:
    units = text.units()
    for at, letter in letters.items():
        place, unit = units[at]
        masked[place : place + len(unit)] = replaced(unit, letter)


def _cover_value(match: re.Match[bytes], masked: bytearray, found: list[Masked]) -> None:
    name = match[1].decode("latin-1")
    if not (is_secret_member(name) or is_secret_name(name)) or not re.search(rb"[^\Wx_]", match[2]):
        return
    found.append(Masked("secret field", None, match.start(2)))
    masked[match.start(2) : match.end(2)] = re.sub(rb"\w", MASK.encode(), match[2])
