"""Options that several commands share, so that they are worded once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from streamlab.judging.trend import By

    _ParamType = click.ParamType[int]
else:  # click 8.1 to 8.2: no generic yet
    _ParamType = click.ParamType

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
            help="Let web pages of this origin ask (*: of any).",
        ),
        click.option("--allow-remote", is_flag=True, help="Listen beyond loopback, and answer to any name."),
    ):
        function = option(function)
    return function


class _Size(_ParamType):
    """Bytes, with K, M or G for powers of 1024."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes."""
        found = re.fullmatch(r"([0-9]{1,15})([kmg]?)(?:i?b)?", str(value).lower())
        if found is None or not int(found[1]):
            self.fail(f"{value!r} is no size: a number of bytes, with K, M or G behind it", param, ctx)
        return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2]]


def _limit_input(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    from streamlab.storage.files import largest_input

    before = largest_input.set(value)
    # The limit is this command's: a program that calls several has each one's own.
    ctx.call_on_close(lambda: largest_input.reset(before))


class FiniteRange(click.FloatRange):
    """A number in a range, which neither "nan", that no range refuses, nor "inf" is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is no finite number."""
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return found


def max_input_option(function: Command) -> Command:
    """``--max-input SIZE``: bytes of one file or of standard input that the command reads at most."""
    return click.option(
        "--max-input",
        type=_Size(),
        default="256M",
        show_default=True,
        metavar="SIZE",
        expose_value=False,
        callback=_limit_input,
        help="Refuse a file, or more on stdin, than this.",
    )(function)


def warn(told: str) -> None:
    """Say on standard error what somebody should know."""
    from streamlab.cli.progress import make_room
    from streamlab.report.terminal import complain

    make_room()
    complain(f"streamlab: {told}")


def need_posix(command: str) -> None:
    """Raise CouldNotRunError, in one line, where what a command is built on is missing: Windows."""
    from streamlab.servers import posix

    posix.need_posix(command)


def json_option(function: Command) -> Command:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(function)


def keep_secrets_option(function: Command) -> Command:
    """``--keep-secrets`` of what shows an exchange."""
    return click.option("--keep-secrets", is_flag=True, help="Show known secrets as they came.")(function)


def sharing_options(function: Command) -> Command:
    """``--keep-secrets``, ``--pattern`` and ``--redact``: what is taken out of what goes to others."""
    for option in (
        click.option("--keep-secrets", is_flag=True, help="Leave bodies as they are; heads lose their secrets anyway."),
        click.option("--pattern", "patterns", multiple=True, metavar="RE", help="Mask what matches this too."),
        click.option(
            "--redact", type=click.Choice(["secrets", "text"]), help="text: also put filler for what was said."
        ),
    ):
        function = option(function)
    return function


def groups_of(text: str) -> list[By]:
    """What ``--by`` groups by. Raises UsageError."""
    from streamlab.errors import UsageError
    from streamlab.judging.trend import By

    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in set(By)]
    if unknown or not words:
        raise UsageError(f"--by takes {', '.join(By)}, with commas, not {text!r}")
    return [By(word) for word in dict.fromkeys(words)]
