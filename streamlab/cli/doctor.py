"""``streamlab doctor``."""

from __future__ import annotations

from pathlib import Path

import click

from streamlab.cli.options import db_option, json_option


@click.command(epilog="\b\nExamples:\n  streamlab doctor\n  streamlab doctor --json --db captures/streamlab.db")
@db_option
@json_option
def command(db: Path | None, as_json: bool) -> int:
    """Look at what streamlab stands on: versions, the database, ports, proxies, the clock, and which server a
    program started here would ask (OPENAI_BASE_URL, ANTHROPIC_BASE_URL). Exit code 0: nothing is wrong; 1: something
    is.
    """
    from streamlab.report.terminal import say, say_json
    from streamlab.workflows.doctor import Health, examine

    checks = list(examine(db))
    if as_json:
        listed = [{"name": one.name, "state": str(one.state), "said": one.said} for one in checks]
        say_json({"format": "streamlab.doctor/1", "checks": listed})
    else:
        say(*(f"{one.state:<6}{one.name:<19}{one.said}" for one in checks))
    return int(any(one.state is Health.WRONG for one in checks))
