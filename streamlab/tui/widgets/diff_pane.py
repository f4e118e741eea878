"""One event beside what OpenAI would have sent in its place, field by field, with the reason and who breaks."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text

from streamlab.comparing.event_outcomes import EventDiff, FieldDiff, How, Outcome, Output
from streamlab.report.text import breaking_lines, value
from streamlab.rules.finding import Finding
from streamlab.tui.palette import BAD, BOLD, DIM, DOUBTFUL, GOOD, GRAVE, PLAIN, badge, fit
from streamlab.tui.widgets.text_pane import TextPane
from streamlab.wire.visible import visible

_SIGNS = {
    How.SAME: ("=", DIM),
    How.CHANGED: ("~", DOUBTFUL),
    How.ADDED: ("+", GOOD),
    How.DROPPED: ("-", BAD),
    How.BROKEN: ("!", GRAVE),
}
_SAID = {
    Outcome.KEPT: "passes as it came, byte for byte",
    Outcome.CHANGED: "OpenAI would have sent it differently",
    Outcome.SPLIT: "OpenAI would have sent several events",
    Outcome.MERGED: "its content goes out with a later event",
    Outcome.DROPPED: "OpenAI would not have sent it",
    Outcome.ADDED: "an event is missing here",
}


class DiffPane(TextPane):
    """What the cursor's event should have been."""

    HELP: ClassVar[str] = """\
Left what came, right what OpenAI would have sent, which is what `streamlab normalize` makes of it.

~ changed   + missing here   - not sent by OpenAI   = the same   ! broken, and nothing mends it

copied    the value came like that
derived   every value in it came from the server or the request
invented  nobody said it: a generated id, a missing [DONE], an error event"""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._title = ""
        self._diffs: tuple[EventDiff, ...] = ()
        self._same: tuple[FieldDiff, ...] = ()
        self._findings: tuple[Finding, ...] = ()
        self._note = ""

    def show(
        self,
        title: str,
        diffs: tuple[EventDiff, ...],
        same: tuple[FieldDiff, ...],
        findings: tuple[Finding, ...],
        note: str = "",
    ) -> None:
        """An event's comparison; ``same`` are the members of one that passes untouched, ``note`` says what is not
        known yet."""
        before = self._title, self._diffs, self._same, self._findings, self._note
        self._title, self._diffs, self._same, self._findings, self._note = title, diffs, same, findings, note
        if before != (title, diffs, same, findings, note):
            self.update_lines()

    def lines(self, width: int) -> list[Text]:
        """See `TextPane`."""
        lines = []
        for number, finding in enumerate(self._findings):
            lines += self._reason(finding, width) if number == 0 else [self._reason_line(finding, width)]
        if self._findings:
            lines.append(Text())
        for diff in self._diffs:
            lines += self._event(diff, width)
        if self._note:
            lines += self.wrapped(Text(self._note, DIM), width)
        elif not any(diff.outcome is not Outcome.ADDED for diff in self._diffs) and self._same:
            lines.append(Text("= as OpenAI sends it, byte for byte", GOOD))
            lines += [self._field(field, width) for field in self._same]
        return lines

    def _reason(self, finding: Finding, width: int) -> list[Text]:
        head = badge(finding)
        head.append(f" {finding.rule}", BOLD)
        if finding.known:
            head.append("  known of this dialect", DIM)
        lines = [head, *self.wrapped(Text("  " + fit_free(finding.message)), width, "  ")]
        for broken in breaking_lines(finding.rule, finding.variants)[:1]:
            lines += self.wrapped(Text.assemble(("  breaks ", DIM), broken), width, "  ")[:3]
        return lines

    def _reason_line(self, finding: Finding, width: int) -> Text:
        line = badge(finding)
        line.append(f" {finding.rule}  ", PLAIN)
        line.append(fit(finding.message, max(0, width - line.cell_len)), DIM)
        return line

    def _event(self, diff: EventDiff, width: int) -> list[Text]:
        into = f" {diff.into}" if diff.into is not None else ""
        lines = [Text(_SAID[diff.outcome] + into, BOLD)]
        lines += [line for field in diff.broken for line in self._unmended(field, width)]
        for number, output in enumerate(diff.outputs, start=1):
            lines += self._output(output, number, len(diff.outputs), width)
        return [*lines, Text()]

    def _output(self, output: Output, number: int, count: int, width: int) -> list[Text]:
        path, here, there, _ = columns(width)
        lines = []
        if count > 1:
            lines.append(Text(f"event {number} of {count} · {output.origin}", DIM))
        head = f"  {fit('', path)} {fit('came', here)} {fit('OpenAI', there)}"
        lines.append(Text(head.rstrip(), Style(dim=True, underline=False)))
        differing = [field for field in output.fields if field.how is not How.SAME]
        same = [field for field in output.fields if field.how is How.SAME]
        return lines + [self._field(field, width) for field in (*differing, *same)]

    def _field(self, field: FieldDiff, width: int) -> Text:
        path, here, there, origin = columns(width)
        sign, style = _SIGNS[field.how]
        line = Text(no_wrap=True)
        line.append(f"{sign} ", style)
        line.append(fit(_short(field.path, path), path) + " ", DIM if field.how is How.SAME else BOLD)
        came = "" if field.how is How.ADDED else value(field.here, here)
        sent = "" if field.how is How.DROPPED else value(field.there, there)
        line.append(fit(came, here) + " ", DIM if field.how is How.SAME else _SIGNS[How.DROPPED][1])
        if field.how is How.SAME:
            return line
        line.append(fit(sent or "(not sent)", there) + " ", GOOD if sent else DIM)
        if origin and field.how in (How.ADDED, How.CHANGED):
            line.append(fit(field.origin, origin), DIM if field.origin == "copied" else Style(italic=True))
        return line

    def _unmended(self, field: FieldDiff, width: int) -> list[Text]:
        sign, style = _SIGNS[field.how]
        line = Text.assemble((f"{sign} ", style), (fit_free(field.path), BOLD), f"  {fit_free(field.why)}")
        return self.wrapped(line, width, "  ")


def columns(width: int) -> tuple[int, int, int, int]:
    """Widths of path, what came, what OpenAI sends, and the origin (0: no room)."""
    origin = 8 if width >= 64 else 0
    path = max(10, min(34, (width - origin) // 3))
    rest = width - 2 - path - 2 - (origin + 1 if origin else 0)
    return path, rest // 2, rest - rest // 2, origin


def _short(path: str, width: int) -> str:
    """The end of a path says more than its beginning."""
    return path if len(path) <= width else "…" + path[-(width - 1) :]


def fit_free(text: str) -> str:
    """Text made visible, however long."""
    return visible(text, 600)
