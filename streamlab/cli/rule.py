"""``streamlab rule``."""

from __future__ import annotations

import click

from streamlab.cli.options import json_option


@click.command(epilog="\b\nExamples:\n  streamlab rule tool-call-id-unstable\n  streamlab rule done-missing --json")
@click.argument("name")
@json_option
def command(name: str, as_json: bool) -> None:
    """Explain one rule: what OpenAI does, who deviates, which client breaks and how, how it is mended."""
    from streamlab.apis.registry import find_rule
    from streamlab.report import rule_page
    from streamlab.report.terminal import data, say_json

    rule = find_rule(name)
    if as_json:
        say_json(rule_page.rule_object(rule))
    else:
        rule_page.print_rule(data(), rule)
