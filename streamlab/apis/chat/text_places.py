"""Where the texts of an answer stand in its stream, for rules that judge them once they are whole."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.runs import Run, TextKind
from streamlab.wire.text_pieces import TextKey, text_pieces

#: What markup of models begins with, or has near its beginning.
_SIGN: Final = lazy_pattern(r"[<\[\]{(`]|✿")
#: Events with signs that are remembered of one text: each costs as much as if nothing were like it.
_MOST: Final = 64


def begin_of(ctx: RuleState, key: TextKey) -> Place | None:
    """Where a text begins; None where that is not known."""
    known = ctx.seen.landmarks.texts.get(key)
    if known is None:
        return None
    at, path = known
    mark = ctx.seen.landmarks.of(at)
    return Place(at, mark.sse, mark.offset_us, path) if mark is not None else None


class _Signs:
    """The first events of a text in which signs stand: the signs, how many stood before each event, and its place."""

    __slots__ = ("before", "places", "signs")

    def __init__(self) -> None:
        self.signs = ""
        self.before: list[int] = []
        self.places: list[Place] = []


class SignPlaces:
    """The places where markup may begin, as far as a text has not many: a rule that has them is asked about text until
    then."""

    def __init__(self) -> None:
        self._signs: dict[TextKey, _Signs] = {}

    def note(self, rule: LateRule, at: int, event: StreamEvent) -> None:
        """An event with one of the facts `TEXTS`, which the rule is asked about."""
        for key, text, path in text_pieces(reading.chunk_of(event), rule.ctx.facts):
            found = _SIGN.findall(text)
            if found:
                known = self._signs.setdefault(key, _Signs())
                known.before.append(len(known.signs))
                known.places.append(rule.keep(at, event, path))
                known.signs += "".join(found)
                if len(known.places) >= _MOST:
                    rule.retire()

    def passes(self, run: Run) -> bool:
        """Whether nothing of a run has to be noted."""
        return self.odd(run) is None

    def odd(self, run: Run) -> int | None:
        """The first event of a run that has to be noted, by its number in it; None where none has."""
        found = _SIGN.search(run.text) if run.template.varying.text is not TextKind.ARGUMENTS else None
        return run.event_with(found.start()) if found is not None else None

    def of(self, ctx: RuleState, key: TextKey, text: str, start: int) -> Place | None:
        """Where in the stream the markup stands that begins at ``start`` of a whole text; None where unknown."""
        if not text[:start].strip():
            return begin_of(ctx, key)
        sign, known = _SIGN.search(text, start), self._signs.get(key)
        if sign is None or known is None:
            return None
        number, signs = len(_SIGN.findall(text, 0, sign.start())), "".join(_SIGN.findall(text))
        told = number < len(known.signs) and signs.startswith(known.signs)  # else the text came in other ways, too
        return known.places[bisect_right(known.before, number) - 1] if told else None


class TextEnds:
    """The places where texts end, as far as a call or a finish follows: a rule that has them waits for those alone."""

    def __init__(self) -> None:
        self._last: dict[TextKey, tuple[Place | None, str]] = {}

    def note(self, rule: LateRule, at: int, event: StreamEvent) -> None:
        """An event with a finish, or the beginning of a call, which the rule is asked about."""
        ctx = rule.ctx
        for key, text, path in text_pieces(ctx.seen.last_chunk or {}, 0):
            self._last[key] = rule.keep_last(path), text
        for key, text, path in text_pieces(reading.chunk_of(event), ctx.facts):
            self._last[key] = rule.keep(at, event, path), text

    @staticmethod
    def passes(rule: LateRule, run: Run) -> bool:
        """Whether a run needs no note: none of its events follows a text."""
        adds_text = run.template.varying.text is not TextKind.ARGUMENTS
        return not adds_text and not text_pieces(rule.ctx.seen.last_chunk or {}, 0)

    def of(self, key: TextKey, text: str) -> Place | None:
        """Where the end of a whole text stands; None where that is not known."""
        place, piece = self._last.get(key, (None, ""))
        return place if piece.strip() and text.rstrip().endswith(piece.rstrip()) else None
