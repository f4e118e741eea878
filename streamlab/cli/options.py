"""Options that several commands share, so that they are worded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def db_option(function: Command) -> Command:
    """``--db PATH``: given as a Path, or None for the default database."""
    return click.option(
        "--db",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="STREAMLAB_DB",
        help="The database (default: captures/streamlab.db where captures/ exists, else the user's data folder).",
    )(function)


def access_options(function: Command) -> Command:
    """``--allow-remote``, ``--allow-origin`` and ``--token``: who may ask what listens."""
    for option in (
        click.option(
            "--token",
            envvar="STREAMLAB_TOKEN",
            metavar="TOKEN",
            help="Ask for this token in every path (new: make one); the base URL is printed with it.",
        ),
        click.option(
            "--allow-origin",
            "allow_origins",
            multiple=True,
            metavar="ORIGIN",
            help="Let web pages of this origin ask (*: of any); those on this machine may.",
        ),
        click.option("--allow-remote", is_flag=True, help="Listen beyond loopback, and answer to any name."),
    ):
        function = option(function)
    return function


def json_option(function: Command) -> Command:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(function)
