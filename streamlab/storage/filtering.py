"""The filter language of the exchange list: ``model:glm ending:cut rule:tool-call-* label:x -status:200 ttft:>500``.

Terms are joined by "and". ``key:value`` looks for the value anywhere in the field, with ``*`` as a wildcard; a number
may have ``>`` or ``<`` in front; ``-`` in front of a term means "not"; quotes keep spaces together. A word without a
key is searched for in what the model said, in label, tap, model and URL. `parse` never fails on what somebody has half
typed: a term it cannot read is reported and left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from streamlab.lazy_pattern import lazy_pattern
from streamlab.outline import Ending

_TERM = lazy_pattern(r'(-?)(?:([a-z]+):)?("[^"]*"?|\S+)')
#: The model that an exchange's request names.
ASKED_MODEL = """CASE WHEN json_valid(CAST(e.request_body AS TEXT))
    THEN json_extract(CAST(e.request_body AS TEXT), '$.model') END"""
_MODEL = f"coalesce({ASKED_MODEL}, s.model)"
_ENDING = "coalesce(e.ending, 'interrupted')"
_TEXTS: dict[str, str] = {
    "model": _MODEL,
    "label": "e.label",
    "tap": "e.tap",
    "url": "e.url",
    "ending": _ENDING,
    "dialect": "s.dialect",
    "api": "s.api",
    "note": "(SELECT group_concat(note, ' ') FROM marks m WHERE m.exchange_id = e.id)",
}
#: Fields that are numbers: their SQL, and what one unit of the filter is in the database's.
_NUMBERS: dict[str, tuple[str, int]] = {
    "id": ("e.id", 1),
    "status": ("e.status", 1),
    "events": ("s.events", 1),
    "bytes": ("coalesce(e.body_bytes, 0)", 1),
    "ttft": ("s.ttft_us", 1000),
    "duration": ("e.end_us", 1000),
    "stalls": ("s.stalls", 1),
}
_STATES: dict[str, str] = {
    "live": "e.ending IS NULL",
    "marked": "EXISTS (SELECT 1 FROM marks m WHERE m.exchange_id = e.id)",
    "clean": "s.worst IS NULL AND s.exchange_id IS NOT NULL",
}
_WORST = ("error", "warning", "info")
#: Sort keys of the list, in the order in which a key press goes through them.
SORTS = {
    "newest": "e.id DESC",
    "model": f"{_MODEL} COLLATE NOCASE, e.id DESC",
    "status": "e.status DESC, e.id DESC",
    "events": "s.events DESC, e.id DESC",
    "bytes": "e.body_bytes DESC, e.id DESC",
    "TTFT": "s.ttft_us DESC, e.id DESC",
    "duration": "e.end_us DESC, e.id DESC",
    "worst finding": "CASE s.worst WHEN 'error' THEN 0 WHEN 'warning' THEN 1 WHEN 'info' THEN 2 ELSE 3 END, e.id DESC",
}
#: Keys that need every exchange to have been analyzed.
_DERIVED = frozenset({"dialect", "api", "events", "ttft", "stalls", "rule", "worst", "text", "clean"})


class Fields(NamedTuple):
    """Where a store keeps what the language speaks of, as SQL over ``exchanges e`` and ``s``, what was said of each.

    ``rule`` and ``text`` take one parameter, a pattern and a phrase; ``text`` is None where no text is kept.
    """

    texts: Mapping[str, str]
    numbers: Mapping[str, tuple[str, int]]
    states: Mapping[str, str]
    rule: str
    text: str | None
    like: str = "LIKE"

    @property
    def keys(self) -> list[str]:
        """What may stand before a colon."""
        return sorted({*self.texts, *self.numbers, "rule", "worst", "is"})


#: A capture's: the database that a recorder writes.
CAPTURE = Fields(
    _TEXTS,
    _NUMBERS,
    _STATES,
    "EXISTS (SELECT 1 FROM json_each(s.rules) r WHERE r.key LIKE ? ESCAPE '!')",
    "e.id IN (SELECT rowid FROM contents WHERE contents MATCH ?)",
)


class Filter(NamedTuple):
    """A filter as SQL over ``exchanges e LEFT JOIN summaries s``. ``derived`` says that it reads summaries."""

    where: str = "1"
    parameters: tuple[object, ...] = ()
    derived: bool = False
    problems: tuple[str, ...] = ()


def parse(text: str, fields: Fields = CAPTURE) -> Filter:
    """The filter a line means."""
    where: list[str] = []
    parameters: list[object] = []
    problems: list[str] = []
    derived = False
    for minus, key, quoted in _TERM.findall(text):
        value = quoted.strip('"')
        if not value:
            continue
        made = _term(key, value, fields)
        if isinstance(made, str):
            problems.append(made)
            continue
        sql, values = made
        where.append(f"NOT coalesce(({sql}), 0)" if minus else f"({sql})")
        parameters += values
        derived = derived or (key or "text") in _DERIVED or (key == "is" and value in _DERIVED)
    return Filter(" AND ".join(where) or "1", tuple(parameters), derived, tuple(problems))


def _term(key: str, value: str, fields: Fields) -> tuple[str, list[object]] | str:
    if not key:
        return _text_search(value, fields)
    if key == "ending" and not any(_may_match(value, ending.value) for ending in Ending):
        return f"ending:{value}? ({', '.join(Ending)})"
    if key in fields.texts:
        return f"{fields.texts[key]} {fields.like} ? ESCAPE '!'", [_like(value)]
    if key in fields.numbers:
        return _number(key, value, fields)
    if key == "rule":
        return fields.rule, [_like(value) if "*" in value else _like(value).strip("%")]
    if key == "worst" and value == "none":
        return fields.states["clean"], []
    if key == "worst":
        return ("s.worst = ?", [value]) if value in _WORST else f"worst:{value}? ({', '.join(_WORST)}, none)"
    if key == "is":
        return (fields.states[value], []) if value in fields.states else f"is:{value}? ({', '.join(fields.states)})"
    return f"{key}:? ({', '.join(fields.keys)})"


def _text_search(value: str, fields: Fields) -> tuple[str, list[object]]:
    keys = ("label", "tap", "model", "url")
    named = " OR ".join(f"{fields.texts[key]} {fields.like} ? ESCAPE '!'" for key in keys)
    patterns: list[object] = [_like(value)] * len(keys)
    if fields.text is None:
        return named, patterns
    phrase = '"' + value.replace('"', '""') + '"*'
    return f"{fields.text} OR {named}", [phrase, *patterns]


def _number(key: str, value: str, fields: Fields) -> tuple[str, list[object]] | str:
    column, scale = fields.numbers[key]
    match = re.fullmatch(r"(>=|<=|>|<|)(\d{1,15}(?:\.\d{1,6})?)(?:ms)?", value)
    if match is None:
        return f"{key}:{value}? (a number, with > or < in front)"
    return f"{column} {match[1] or '='} ?", [float(match[2]) * scale]


def _may_match(value: str, word: str) -> bool:
    """Whether a value is found in a word of a fixed list, as LIKE would."""
    pattern = ".*".join(map(re.escape, value.split("*")))
    return re.search(f"^{pattern}$" if "*" in value else pattern, word, re.IGNORECASE) is not None


def _like(value: str) -> str:
    escaped = value.replace("!", "!!").replace("%", "!%").replace("_", "!_").replace("*", "%")
    return escaped if "*" in value else f"%{escaped}%"
