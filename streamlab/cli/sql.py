"""``streamlab sql``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, max_input_option, warn


@click.command(
    epilog="""\b
Examples:
  streamlab sql captures/streamlab.db "SELECT model, count(*) FROM exchanges GROUP BY model"
  streamlab sql lake:captures/lake "SELECT rule, count(*) FROM findings GROUP BY ALL ORDER BY 2 DESC" --format csv
  streamlab sql lake:captures/lake "SELECT hash, model, ttft_us FROM judged WHERE ttft_us > 5e6"
"""
)
@click.argument("target")
@click.argument("query")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "parquet"]), default="table", show_default=True
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the answer to this file.")
@db_option
@max_input_option
def command(target: str, query: str, form: str, output: Path | None, db: Path | None) -> int:
    """Ask for anything: one SELECT in DuckDB's SQL over the views exchanges, judged and findings.

    TARGET is a database, a lake (lake:PATH), a folder or a bundle. The query reads these and nothing else. Needs the
    extra: in a clone, pip install '.[fleet]'.
    """
    from streamlab.cli.progress import ProgressLine
    from streamlab.report import answers
    from streamlab.report.terminal import data, say, say_document
    from streamlab.storage.files import write_regular
    from streamlab.workflows.asked import as_parquet, asked

    if form == "parquet" and output is None:
        raise click.UsageError("--format parquet wants a file: -o FILE")
    with ProgressLine() as progress:
        opened = asked(target, db, warn, progress.advance, progress.expect)
        with opened as there:
            answer = there.questions.ask(query)
    if form == "parquet" and output is not None:
        write_regular(output, as_parquet(answer))
    elif output is not None:
        text = answers.as_text(answer.columns, answer.rows, "csv" if form == "table" else form)
        write_regular(output, text.encode("utf-8", "replace"))
    elif form == "table":
        data().print(answers.table(answer.columns, answer.rows))
    elif form == "json":
        say_document("json", [answers.as_text(answer.columns, answer.rows, "json") + "\n"])
    else:
        say(*answers.as_text(answer.columns, answer.rows, form).split("\n")[:-1])
    return 2 if there.unreadable else 0
