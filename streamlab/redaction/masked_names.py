"""Masks keys in names, at equal length: ``x-sk-…``, as a client sends that took a key for the name of a header.

Within a text a key follows no letter, digit or hyphen; in a name it may follow any part of it, and may be written in
small letters throughout, as HTTP/2 and many clients write names. So more has to look like a key here: eight letters and
digits mixed in one piece, or 24 letters.
"""

from __future__ import annotations

import re

from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction.detectors import MASK, looks_random
from streamlab.redaction.key_forms import FORMS

#: What every key has somewhere, and nearly no name.
_KEY_LIKE = lazy_pattern(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{8}|[A-Za-z]{24}")
#: By prefix, in small letters: what may follow.
_TAILS: dict[str, list[re.Pattern[str]]] = {}
for _one in FORMS:
    if not _one.plain and _one.prefix[0] not in "-:":
        _TAILS.setdefault(_one.prefix.lower(), []).append(lazy_pattern(_one.tail, re.IGNORECASE))
_PREFIX = lazy_pattern(
    "(?<![A-Za-z0-9])(?:" + "|".join(map(re.escape, sorted(_TAILS, key=len, reverse=True))) + ")", re.IGNORECASE
)
#: What is longer is no name: it is masked whole where it has what every key has.
_LONGEST = 1024


def mask_name(name: str) -> str:
    """The same name, its letters and digits masked where they are a key's."""
    if _KEY_LIKE.search(name) is None:
        return name
    if len(name) > _LONGEST:
        return _covered(name)
    done = 0
    for match in _PREFIX.finditer(name):
        stop = _end_of_key(name, match) if match.start() >= done else 0
        if stop:
            name = name[: match.end()] + _covered(name[match.end() : stop]) + name[stop:]
            done = stop
    return name


def _end_of_key(name: str, prefix: re.Match[str]) -> int:
    """Where the key with this prefix ends; 0 where it is none."""
    for tail in _TAILS[prefix[0].lower()]:
        found = tail.match(name, prefix.end())
        if found is not None and looks_random(found[0]) and _KEY_LIKE.search(found[0]):
            return found.end()
    return 0


def _covered(text: str) -> str:
    return "".join(MASK if one.isalnum() else one for one in text)
