"""What ``ls`` prints of a database, without click: a list of what was judged takes no longer than it has to."""

from __future__ import annotations

from pathlib import Path

from streamlab.cli.progress import ProgressLine
from streamlab.report import listing
from streamlab.report.terminal import complain, say_json
from streamlab.workflows import summarize as summarizing


def print_list(path: Path, wanted: summarizing.Wanted, limit: int, as_json: bool) -> None:
    """The newest exchanges that fit, as a table or as JSON; on standard error what else is to be said."""
    with ProgressLine() as progress:
        rows, total = summarizing.listed(path, wanted, limit, progress.advance)
    if as_json:
        say_json([listing.listed_json(one) for one in rows])
    elif not rows and wanted == summarizing.Wanted():
        complain(f"{path} is empty. `streamlab record --upstream URL` fills it.")
    elif not rows:
        complain(f"{path}: nothing fits.")
    else:
        listing.print_list(rows)
        if total > len(rows):
            complain(f"… the newest {len(rows)} of {total:,}; --limit shows more")
