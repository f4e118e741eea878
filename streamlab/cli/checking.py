"""What ``check`` does and prints, without click: a check of a small file takes no longer than it has to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from streamlab.cli.progress import ProgressLine
from streamlab.config import load_config
from streamlab.record import changed
from streamlab.report.json import Summary
from streamlab.report.terminal import complain
from streamlab.workflows import check as api

if TYPE_CHECKING:
    from pathlib import Path

    from streamlab.judging.report import Report
    from streamlab.storage.targets import Target
    from streamlab.workflows.check import Checked, CheckOptions


def check_plainly(targets: Sequence[str], form: str, fail_on: str | None) -> int:
    """Check targets as the project's configuration has it; the exit code."""
    config = load_config()
    outcomes = outcomes_of(targets, config.database, api.check_options(config))
    return print_outcomes(outcomes, form, fail_on or config.fail_on or "warning")


def outcomes_of(targets: Sequence[str], db: Path | None, options: CheckOptions) -> Outcomes:
    """The outcomes of all that these targets name."""
    missing: list[str] = []
    return Outcomes(api.check(_found(targets, db, missing), options), missing=missing, options=options)


def print_outcomes(outcomes: Outcomes, form: str, level: str) -> int:
    """Print outcomes in a format as they come; the exit code, which ``level`` decides."""
    summary = Summary()
    if form == "text":
        _print_text(outcomes, summary)
    else:
        from streamlab.report.formats import render
        from streamlab.report.terminal import say_document

        listed = outcomes.options.rules() if form == "sarif" and outcomes.options else ()
        say_document(form, render(form, outcomes.reports(), summary, listed, level))
    return 2 if outcomes.unreadable or outcomes.missing else 1 if summary.reaches(level) else 0


def _found(targets: Sequence[str], db: Path | None, missing: list[str]) -> Iterator[Target]:
    """What the targets name, lazily. One that is not there or cannot be read (any more: a database may be damaged
    further on) is told of and put down, the others are checked, and a document ends as it began."""
    from streamlab.errors import UnreadableInputError

    for target in targets:
        try:
            yield from api.find(target, db)
        except UnreadableInputError as error:
            missing.append(target)
            complain(f"streamlab: {error}")


class Outcomes:
    """The outcomes of a check as they come: complaints go to stderr at once, reports are passed on."""

    def __init__(
        self,
        checked: Iterable[Checked],
        unreadable: int = 0,
        missing: Sequence[str] = (),
        options: CheckOptions | None = None,
    ) -> None:
        self._checked = checked
        self.options = options
        self.unreadable = unreadable
        self.missing = missing

    def __iter__(self) -> Iterator[tuple[Checked, Report]]:
        with ProgressLine(beside_output=True) as progress:
            for outcome in self._checked:
                progress.advance()
                if outcome.report is None:
                    self.unreadable += 1
                    complain(f"streamlab: {outcome.error}")
                else:
                    if outcome.read_as:
                        complain(f"streamlab: {outcome.target.source}: {outcome.read_as}")
                    yield outcome, outcome.report

    def reports(self) -> Iterator[tuple[str, int | None, Report]]:
        """As the formats for machines take them."""
        for outcome, report in self:
            yield outcome.target.source, outcome.target.id, changed(report, recovered=api.recovered(outcome))


def _print_text(outcomes: Outcomes, summary: Summary) -> None:
    from streamlab.report.terminal import answers
    from streamlab.report.text import first_line, print_recovered, print_report, summary_line

    console = answers()
    for outcome, report in outcomes:
        summary.add(report)
        print_report(console, outcome.target.source, report, outcome.status, outcome.ending)
        print_recovered(console, api.recovered(outcome))
    if summary.exchanges > 1 or (summary.exchanges == 0 and not (outcomes.unreadable or outcomes.missing)):
        console.print(summary_line(console, summary.exchanges, summary.counts))
    if (first := summary.first) is not None:
        console.hanging(first_line(console, first, summary.exchanges), 0, 2)
