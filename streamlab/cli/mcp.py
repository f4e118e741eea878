"""``streamlab mcp``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option


@click.command(
    epilog="""\b
Examples:
  streamlab mcp --db captures/streamlab.db
  claude mcp add streamlab -- streamlab mcp
"""
)
@db_option
def command(db: Path | None) -> None:
    """Answer tools that speak MCP, over standard input and output: list, show, check, compare, rule, search.

    Read only, and only what is in the database. Answers are bounded, known secrets in them masked, and what was
    captured is marked as data. Needs the extra: in a clone, pip install '.[mcp]'.
    """
    from streamlab.mcp_server import serve
    from streamlab.storage.location import existing_db
    from streamlab.workflows.share import masking_of

    serve(existing_db(db), masking_of())
