"""``streamlab rules``."""

from __future__ import annotations

import click

from streamlab.cli.options import json_option


@click.command(epilog="\b\nExamples:\n  streamlab rules\n  streamlab rules --json | jq '.[].rule'")
@json_option
def command(as_json: bool) -> None:
    """List the rules: what each detects, how grave it is, and whether it can be mended."""
    from streamlab.report import rule_page
    from streamlab.report.terminal import data, say_json

    if as_json:
        say_json(rule_page.rules_list())
    else:
        console = data()
        console.print(rule_page.rules_table(console.width))
