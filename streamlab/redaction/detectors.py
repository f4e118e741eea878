"""Finds secrets in plain text: keys by their known forms, and what is assigned to a name that says it is one."""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import Record, changed
from streamlab.redaction.key_forms import FORMS
from streamlab.redaction.names import is_secret_parameter

#: What takes the place of a letter or digit.
MASK = "x"
#: What takes the place of a digit where a payload is digits and nothing else: a number, which stays one.
MASK_DIGIT = "1"
_MASKS = frozenset((MASK, MASK_DIGIT))
#: What may stand in front of a key: nothing that makes it the end of a longer word.
_WORD = lazy_pattern(r"[A-Za-z0-9_-]")
#: How a header of somebody's own begins; a key behind it was taken for a name.
_NAMES = ("x-", "X-")
#: A key without a digit, or without a letter, is a word or a number, unless it is this long and in one piece.
_LONG_WORD = 24
#: What begins with as many masks in a row is masked, whatever it runs into.
_MASKED_RUN = 8
#: Nothing shorter is a key, or a name with its value.
_SHORTEST = 12


class Secret(Record, frozen=True):
    """A secret in a text: where it stands, and from where on it is masked; what is in front says what it was."""

    start: int
    stop: int
    masked: int
    kind: str


_OWN = "own pattern"
#: What no text holds, but for tabs and line ends.
_CONTROL = lazy_pattern(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
#: Letters that are left of a secret at least where what follows is no text.
_SHORTEST_VALUE = 8


def find_secrets(text: str, patterns: Sequence[re.Pattern[str]] = ()) -> list[Secret]:
    """The secrets in a text, in order, none within another; ``patterns`` are somebody's own."""
    found = [*_by_form(text), *_by_name(text)] if len(text) >= _SHORTEST else []
    for pattern in patterns:
        found += [Secret(*match.span(), match.start(), _OWN) for match in pattern.finditer(text) if _shows(match)]
    if len(found) < 2:
        return found
    found.sort(key=lambda one: (one.start, -one.stop, -one.masked))
    kept: list[Secret] = []
    for one in found:
        if not kept or one.stop > kept[-1].stop:
            kept.append(one)
    return kept


def find_secrets_in_bytes(data: bytes | bytearray, patterns: Sequence[re.Pattern[str]] = ()) -> list[Secret]:
    """The same in bytes of unknown kind, by offset. But for those of ``patterns``, a secret ends where text does: an
    image or a sound holds ``&k=`` by chance, and would be damaged."""
    found = find_secrets(data.decode("latin-1"), patterns)
    ended = (
        one if one.kind == _OWN else changed(one, stop=one.start + _text_length(data[one.start : one.stop]))
        for one in found
    )
    return [one for one, whole in zip(ended, found, strict=True) if one == whole or _is_long_enough(data, one)]


def _text_length(data: bytes | bytearray) -> int:
    """How many bytes there are until one that no text holds."""
    control = _CONTROL.search(data)
    length = control.start() if control is not None else len(data)
    try:
        data[:length].decode()
    except UnicodeDecodeError as error:
        return error.start
    return length


def _is_long_enough(data: bytes | bytearray, one: Secret) -> bool:
    left = data[one.masked : one.stop].decode("utf-8", "replace")
    return len(left) >= _SHORTEST_VALUE and looks_random(left)


def _shows(match: re.Match[str]) -> bool:
    """Whether there is something left in it to be masked."""
    return any(one.isalnum() and one not in _MASKS for one in match[0])


def looks_random(text: str) -> bool:
    """Whether this is rather a key than a word or a number, and not one that is masked."""
    text = without_prefix(text)
    letters = [one for one in text if one.isalnum()]
    if _MASKS.issuperset(letters[:_MASKED_RUN]):
        return False
    digits = any(one.isdigit() for one in letters)
    if digits and any(one.isalpha() for one in letters):
        return True
    return not digits and len(text) >= _LONG_WORD and text.isalnum() and len(set(text)) > 6


def is_masked(text: str) -> bool:
    """Whether every letter and digit of a text is a mask."""
    return _MASKS.issuperset(one for one in text if one.isalnum())


def without_prefix(text: str) -> str:
    """What follows the prefix that says whose key it is."""
    if not text.startswith(_PREFIXES):
        return text
    return min((text.removeprefix(prefix) for prefix in _PREFIXES), key=len)


# -- by form -----------------------------------------------------------------------------------------------------


class _Form(Record, frozen=True):
    kind: str
    tail: re.Pattern[str]
    plain: bool


_FORMS: dict[str, list[_Form]] = {}
for _one in FORMS:
    _FORMS.setdefault(_one.prefix, []).append(_Form(_one.kind, lazy_pattern(_one.tail), _one.plain))
_PREFIXES = tuple(_FORMS)

_ORDERED = sorted(_FORMS)
#: Prefixes that are longer and begin with this one, which follow it in a row: what they name more closely is theirs.
_LONGER = {
    prefix: tuple(_ORDERED[place + 1 : bisect_right(_ORDERED, prefix + "\U0010ffff")])
    for place, prefix in enumerate(_ORDERED)
}
#: By the letters that every prefix has at least: the prefixes that begin with them, and their places in the list.
_HEAD = min(map(len, _FORMS))
_BY_HEAD: dict[str, list[tuple[int, str]]] = {}
for _place, _prefix in enumerate(_FORMS):
    _BY_HEAD.setdefault(_prefix[:_HEAD], []).append((_place, _prefix))
#: In shorter texts it is cheaper to look up what stands at each place than to look for each prefix.
_SHORT = 512
_DIGITS_BEFORE = lazy_pattern(r"(?<!\d)\d{8,10}\Z")


def _by_form(text: str) -> Iterator[Secret]:
    for prefix in _in_question(text) if len(text) < _SHORT else _FORMS:
        forms = _FORMS[prefix]
        at = text.find(prefix)
        while at >= 0:
            start = _start(text, at, prefix)
            if start is not None and not text.startswith(_LONGER[prefix], at):
                yield from _matching(text, start, at + len(prefix), forms)
            at = text.find(prefix, at + 1)


def _in_question(text: str) -> list[str]:
    """The prefixes that a text may hold, in the order of the list: by their first letters."""
    heads = _BY_HEAD.keys() & {text[at : at + _HEAD] for at in range(len(text) - _HEAD + 1)}
    return [prefix for _, prefix in sorted(one for head in heads for one in _BY_HEAD[head])]


def _start(text: str, at: int, prefix: str) -> int | None:
    """Where a key with this prefix starts; None where the prefix is a part of something else."""
    if prefix[0] == "-":
        return at
    if prefix[0] == ":":
        digits = _DIGITS_BEFORE.search(text, max(0, at - 11), at)
        return digits.start() if digits is not None else None
    if _may_begin(text, at) or (text[at - 2 : at] in _NAMES and _may_begin(text, at - 2)):
        return at
    return at if text[at - 1] == "_" and prefix[-1] == "-" else None  # call_sk-…


def _may_begin(text: str, at: int) -> bool:
    """Whether something begins there, and does not go on."""
    return at == 0 or not _WORD.match(text[at - 1]) or _escaped(text, at)


def _escaped(text: str, at: int) -> bool:
    """Whether what stands before is the letter of an escape, as in ``\\nsk-…``."""
    return at > 1 and text[at - 2] == "\\" and text[at - 1] in "nrtbf"


def _matching(text: str, start: int, after: int, forms: list[_Form]) -> Iterator[Secret]:
    for form in forms:
        tail = form.tail.match(text, after)
        if tail is None:
            continue
        random = any(one.isalnum() and one not in _MASKS for one in tail[0]) if form.plain else looks_random(tail[0])
        if form.plain and not random:
            continue
        if form.plain:
            yield from _pem(start, after, tail)
        elif random:
            yield Secret(start, tail.end(), after, form.kind)


def _pem(start: int, after: int, tail: re.Match[str]) -> Iterator[Secret]:
    """The body of a key between its lines, which stay."""
    begin = tail[0].index("-----") + 5
    stop = len(tail[0]) - (8 if tail[0].endswith("-----END") else 0)
    if any(one.isalnum() and one not in _MASKS for one in re.sub(r"\\[nr]", "", tail[0][begin:stop])):
        yield Secret(start, after + stop, after + begin, "private key")


# -- by name -----------------------------------------------------------------------------------------------------

#: How names of secrets end, and what has to be in front of the end (None: nothing).
_ENDS: tuple[tuple[str, re.Pattern[str] | None], ...] = (
    ("key", lazy_pattern(r"(?:api|secret|access|private)[-_ ]?\Z", re.IGNORECASE)),
    ("token", lazy_pattern(r"(?:access|refresh|auth|bearer|session|id)[-_]?\Z", re.IGNORECASE)),
    ("secret", None),
    ("password", None),
    ("passwd", None),
    ("passphrase", None),
    ("credential", None),
    ("authorization", None),
)
_ASSIGNED = lazy_pattern(
    r"[\\\"']{0,4}\s{0,3}(?:=>|[:=])\s{0,3}[\\\"']{0,4}(?:(?:bearer|basic|dpop|token)\s+)?([A-Za-z0-9_.~+/=%!$^*-]{12,})",
    re.IGNORECASE,
)
_BEARER = lazy_pattern(r"\b(?:bearer|dpop)\s+([A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE)
_BASIC = lazy_pattern(r"\bbasic\s+([A-Za-z0-9+/]{8,}={0,2})", re.IGNORECASE)
_USER_INFO = lazy_pattern(r"://([^\s/:@\"'<>\\?#]{0,128}:)?([^\s/@\"'<>\\?#]{3,256})@")
#: A name and a password for curl.
_USER = lazy_pattern(r"(?:\s-u|--user)[ =][\"'\\]{0,3}[^\s:\"'\\]{1,64}:([^\s\"'\\]{8,})")
_PARAMETER = lazy_pattern(r"[?&;]([\w.%-]{1,40})=([^&\s\"'<>#\\;]{8,})")
_CODE = lazy_pattern(r"\.(?:environ|env|get|config|settings)\b|\(|\.\.\.")


def _by_name(text: str) -> Iterator[Secret]:
    lowered = text.lower()
    if len(lowered) == len(text):  # a few letters are two in lower case
        yield from _assigned(text, lowered)
    if "bearer" in lowered or "dpop" in lowered:
        yield from _named(_BEARER, text, "bearer token")
    if "basic" in lowered:
        for match in _BASIC.finditer(text):
            if _is_basic(match[1]):
                yield Secret(match.start(1), match.end(1), match.start(1), "password")
    if "-u" in text:
        yield from _named(_USER, text, "password")
    if "://" in text:
        yield from _user_infos(text)
    if "=" in text and ("?" in text or "&" in text):
        for match in _PARAMETER.finditer(text):
            if is_secret_parameter(match[1]) and looks_random(match[2]) and not _known(match[2]):
                yield Secret(match.start(2), match.end(2), match.start(2), "parameter")


def _assigned(text: str, lowered: str) -> Iterator[Secret]:
    """What stands behind a name that says it is a secret, and a colon or an equals sign."""
    for end, front in _ENDS:
        at = lowered.find(end)
        while at >= 0:
            match = _ASSIGNED.match(text, at + len(end))
            if match is not None and (front is None or front.search(text, max(0, at - 9), at)):
                value = match[1].rstrip(".")
                if looks_random(value) and _CODE.search(value) is None and not _known(value):
                    yield Secret(match.start(1), match.start(1) + len(value), match.start(1), "named value")
            at = lowered.find(end, at + 1)


def _named(pattern: re.Pattern[str], text: str, kind: str) -> Iterator[Secret]:
    for match in pattern.finditer(text):
        if looks_random(match[1]) and not _known(match[1]):
            yield Secret(match.start(1), match.end(1), match.start(1), kind)


def _known(value: str) -> bool:
    """Whether the value is a key by its form too, whose prefix is to stay."""
    return any(value.startswith(prefix) for prefix in _FORMS) and next(_by_form(value), None) is not None


def _user_infos(text: str) -> Iterator[Secret]:
    for match in _USER_INFO.finditer(text):
        word = match[2]
        masked = all(one in _MASKS or not one.isalnum() for one in word)
        if not masked and (match[1] is not None or (len(word) >= 16 and looks_random(word))) and "$" not in word[:2]:
            yield Secret(match.start(2), match.end(2), match.start(2), "password")


def _is_basic(coded: str) -> bool:
    try:
        plain = binascii.a2b_base64(coded + "=" * (-len(coded) % 4), strict_mode=True)
    except (ValueError, binascii.Error):
        return False
    return b":" in plain and plain.isascii() and plain.decode().isprintable()
