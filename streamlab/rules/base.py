"""What a rule is. One rule, one file, one fixture directory; discovery finds it (registry.py).

A rule is made anew for every exchange, so its state is that exchange's. It may implement any of four hooks; each
yields findings. To stay fast however many rules there are, ``event`` is called only for events that have one of the
facts in ``on`` (wire/reading.py), and ``shape`` only for the first chunk of each shape: the analyzer repeats what it
said for every later chunk of that shape, so it must depend on nothing but key names and value types.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.api import Scope
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import Source
from streamlab.rules.state import RuleState
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import Run
from streamlab.wire.visible import quoted

if TYPE_CHECKING:
    from streamlab.rules.repair import Repair

Findings = Iterable[Finding]

#: For `Rule.statuses`.
OK, NOT_OK, ANY_STATUS = frozenset({"ok"}), frozenset({"error"}), frozenset({"ok", "error"})

_SHOWN = 200

#: Characters of a message. Names and numbers of an upstream stand in it, which may be a megabyte each.
_SAID = 400


class Rule:
    """A check. Subclasses set the class attributes and implement hooks; ``self.ctx`` is the story so far.

    The docstring is the rule's page: its first line says what is wrong, then come the sections ``## What OpenAI
    does``, ``## Why it matters`` and ``## Repair``.
    """

    name: ClassVar[str]
    severity: ClassVar[Severity]
    source: ClassVar[Source]
    repairability: ClassVar[Repairability] = Repairability.NONE
    #: What is promised of some findings, where ``repairability`` is that of the others.
    of_some: ClassVar[Repairability | None] = None
    #: The repair that removes the deviation; several rules may share one, which is then loaded when it is looked at.
    repair: ClassVar[type[Repair] | None] = None
    #: Whom it concerns: a scope, names of APIs, or None for the API in whose folder it lies.
    apis: ClassVar[Scope | frozenset[str] | None] = None
    statuses: ClassVar[frozenset[str]] = OK
    needs_timing: ClassVar[bool] = False
    needs_request: ClassVar[bool] = False
    #: Judges how events were framed: it cannot speak where events are all that is left of the wire.
    needs_framing: ClassVar[bool] = False
    #: What the rule says of the answer itself, in a word that rules of other APIs share which say the same; "" where
    #: it speaks of the form. A hop that passed the answer on has not done it, whichever rule of which API speaks.
    answer_fact: ClassVar[str] = ""
    #: Names of rules whose findings are the same fact told once more, wherever this one speaks: they are left out.
    instead_of: ClassVar[frozenset[str]] = frozenset()
    on: ClassVar[int] = 0
    #: Facts without which ``end`` finds nothing: it is asked where an event had one of them, or the exchange has one
    #: once it is over (rules/whole.py), or where the rule was asked before; 0 where it always is.
    ends_after: ClassVar[int] = 0
    #: Forms of the deviation that clients take differently, worded so that they read well after "when"; the table of
    #: who breaks (clients/measured.toml) uses these words. A form that is not in the table was measured to
    #: harm nobody, or was not measured.
    variants: ClassVar[tuple[str, ...]] = ()
    #: Whether what ``event`` says hangs on nothing but the chunk's members other than its varying text (wire/runs.py),
    #: from the second time on that it is asked: of each event of a run it would say what it said of the first.
    alike: ClassVar[bool] = False
    #: Whether it has nothing more to look for in events, and in reads, of its exchange.
    retired: bool = False
    reads_retired: bool = False
    #: The hooks a rule has, worked out when it is defined.
    hooks: ClassVar[frozenset[str]] = frozenset()
    #: What of ``on`` it waits for now: all of it, until it says otherwise.
    asks: int = 0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        names = ("segment", "event", "shape", "end")
        cls.hooks = frozenset(name for name in names if getattr(cls, name) is not vars(Rule)[name])
        cls.asks = cls.on

    def __init__(self, ctx: RuleState) -> None:
        self.ctx = ctx

    def ask(self, facts: int) -> None:
        """Wait for these facts from now on, which are some of `on`."""
        self.asks = facts
        self.ctx.unsettled |= self.on

    def segment(self, offset_us: int | None, data: bytes) -> Findings | None:
        """One read of the body, as sent (before content decoding)."""

    def segments(self, offsets: Sequence[int | None], data: Sequence[bytes]) -> bool:
        """Several reads at once, in all of which a run of text went on: takes them as ``segment`` would one by one,
        where that finds nothing in them; False, and takes nothing, where it has to be asked about each."""
        return False

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        """Event number ``at``, which has one of the facts in ``on``; ``self.ctx.facts`` has all of them."""

    def stays(self, chunk: JsonObject, spoke: bool) -> bool:
        """Whether what it said of a chunk, or that it did not speak, holds for all that are like it: see ``alike``."""
        return self.alike

    def passes(self, run: Run) -> bool:
        """Whether ``event`` would find nothing in any event of a run, and remember nothing of it."""
        return False

    def odd(self, run: Run) -> int | None:
        """Of a run that `passes` refused, the number of the first event which it has to be asked about; None where it
        cannot say."""

    def shape(self, at: int, chunk: Chunk) -> Findings | None:
        """The first chunk of a new shape. Pure: key names and value types only, no state."""

    def end(self, ending: Ending) -> Findings | None:
        """The exchange is over."""

    def retire(self) -> None:
        """Nothing more to look for in this exchange: stop being asked about events."""
        self.retired = True
        self.ctx.unsettled |= self.on

    def retire_reads(self) -> None:
        """Nothing more to look for in the reads of this exchange: stop being asked about segments."""
        self.reads_retired = True
        self.ctx.retirements += 1

    def found(
        self,
        message: str,
        at: int | None = None,
        *,
        path: str | None = None,
        span: tuple[int, int] | None = None,
        expected: Any = None,
        actual: Any = None,
        severity: Severity | None = None,
        repairability: Repairability | None = None,
        variant: str | None = None,
    ) -> Finding:
        """A finding of this rule. The analyzer fills in the span (from ``path``) and the arrival time.

        ``variant`` is one of the rule's `variants`, or None when it is none of them.

        Findings of one rule with one path are counted together and shown once, at the first place.
        """
        return Finding(
            rule=self.name,
            severity=severity or self.severity,
            message=_within(message),
            event=at,
            span=span,
            path=path,
            expected=_shorten(expected),
            actual=_shorten(actual),
            repairability=repairability or self.repairability,
            variants=(variant,) if variant is not None else (),
            api=self.ctx.api.asked_as,
            strict=self.ctx.asked.strict,
        )

    def found_in_head(self, header: str, message: str, *, expected: str) -> Finding:
        """A finding about a header of the response, at the time of its head."""
        head = self.ctx.head
        actual = None if head is None else head.header(header)
        finding = self.found(message, path=header, expected=expected, actual=actual)
        return changed(finding, offset_us=None if head is None else head.offset_us)

    def form_asked(self, form: str | None) -> str | None:
        """A form, where it is one of `variants`; None for one that no client was asked about."""
        return form if form in self.variants else None

    def in_form(self, finding: Finding, form: str | None) -> Finding:
        """A finding whose form is known only now; in none where no client was asked about it."""
        return changed(finding, variants=(form,) if form in self.variants else ())

    def placed(self, finding: Finding, event: StreamEvent) -> Finding:
        """The finding with the bytes and the time of the event being judged, to be kept and yielded in ``end``."""
        sse = event.sse
        span = finding.span
        if span is None and sse is not None:
            span = self.ctx.span_of(sse, finding.path or None)
        return changed(finding, span=span, offset_us=self.ctx.offset_us)


def quote(value: Any, limit: int = 60) -> str:
    """A value for a message, shortened: text in quotation marks, anything else as JSON has it."""
    if isinstance(value, bytes):  # of what may be a whole body, no more than is shown: a character has four bytes
        shown = "b" + quoted(value[: 4 * limit + 4].decode("utf-8", "backslashreplace"))
    else:
        shown = quoted(value[: limit + 1]) if isinstance(value, str) else _as_json(value)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _as_json(value: Any) -> str:
    import json  # deferred: it compiles patterns, which take as long as some rules

    try:
        shown = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)
    return shown if shown.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in shown)


def _within(message: str) -> str:
    """A message no longer than ``_SAID``: of a longer one the middle is left out, as the verb may stand behind it."""
    if len(message) <= _SAID:
        return message
    return f"{message[: _SAID // 2]}…{message[1 - _SAID // 2 :]}"


def _shorten(value: Any) -> Any:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if type(value) is int and value.bit_length() > 4 * _SHOWN:  # more digits than that: a digit has 3.3 bits
        value = _as_json(value)
    if isinstance(value, str) and len(value) > _SHOWN:
        return value[: _SHOWN - 1] + "…"
    if isinstance(value, dict | list | tuple) and len(shown := _as_json(value)) > 2 * _SHOWN:
        return shown[: 2 * _SHOWN - 1] + "…"
    return value
