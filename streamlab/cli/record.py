"""``streamlab record``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import FiniteRange, access_options, db_option, need_posix
from streamlab.cli.prune import Age

if TYPE_CHECKING:
    from streamlab.workflows.record import RepairMode


class ByteSize(click.ParamType):  # type: ignore[type-arg]
    """``500M``, ``2G``, or bytes; 16 MB at least, since what is being recorded has to fit."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d{1,15})([KMG]?)B?", str(value), re.IGNORECASE)
        size = int(match[1]) * 1000 ** " KMG".index(match[2].upper() or " ") if match else 0
        if size < 16_000_000:
            self.fail(f"{value!r} is no size of at least 16M; write 500M or 2G", param, ctx)
        return size


#: Where a client takes its base URL from, and what else helps to know.
_TOLD = {
    "claude-code": "ANTHROPIC_BASE_URL={origin}",
    "codex": 'openai_base_url = "{url}"',
    "openai": "OPENAI_BASE_URL={url}",
}
_HINTS = {
    "claude-code": "Claude Code hides most broken streams by asking again without streaming; with "
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK=1 it says what was wrong instead.",
    "codex": "Codex reads this line from ~/.codex/config.toml and pays no heed to OPENAI_BASE_URL.",
}


@click.command(
    epilog="""\b
Examples:
  streamlab record --upstream https://api.openai.com/v1
  streamlab record --upstream https://host/api/v4 --normalize
  streamlab record --upstream http://127.0.0.1:8000/v1 --label nightly -- python my_client.py
  streamlab record --upstream http://127.0.0.1:8000/v1 --lake /var/lib/streams --every 10m
  streamlab record --tap model=127.0.0.1:9101=http://127.0.0.1:8000 --tap gateway=127.0.0.1:9102=http://127.0.0.1:3000
"""
)
@click.option("--upstream", metavar="URL", help="Base URL of the server to record, such as https://host/api/v4.")
@click.option("--listen", default="127.0.0.1:9100", show_default=True, metavar="HOST:PORT", help="Port 0: any free.")
@click.option(
    "--tap",
    "taps",
    multiple=True,
    metavar="NAME=LISTEN=URL",
    help="Record several hops at once, the one next to the model first.",
)
@click.option("--label", help="A word to find these exchanges by.")
@click.option("--normalize", is_flag=True, help="Mend streams on their way; what the server sent is recorded.")
@click.option("--unsafe", is_flag=True, help="With --normalize: also mend what needs a guess.")
@click.option("--retry-unstreamed", is_flag=True, help="With --normalize: ask again unstreamed after an empty answer.")
@click.option("--no-findings", is_flag=True, help="Do not say what is wrong with each exchange as it ends.")
@click.option(
    "--status",
    type=FiniteRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to say how it stands, where that is no terminal. 0: never.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append all that is said to a file, which may be rotated.",
)
@click.option(
    "--for",
    "preset",
    type=click.Choice(["claude-code", "codex", "openai"]),
    help="Say what this client has to be told, instead of OPENAI_BASE_URL alone.",
)
@access_options
@click.option("--idle-timeout", type=FiniteRange(min=0), default=0.0, metavar="SECONDS", help="0: never.")
@click.option("--redact-bodies", is_flag=True, help="Mask known secrets in answers too, before they are written.")
@click.option("--max-size", type=ByteSize(), metavar="BYTES", help="Delete the oldest to stay below (500M, 2G).")
@click.option("--lake", metavar="PATH", help="Move what is finished into this lake (needs the extra: fleet).")
@click.option("--every", type=Age(), default="10m", show_default=True, help="With --lake: how often (30s, 10m, 1h).")
@click.option("--keep-secrets", is_flag=True, help="With --lake: move bodies as they are.")
@click.option("--upstream-ca", metavar="FILE", help="PEM certificates to trust beside the system's.")
@db_option
@click.argument("command_line", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND ...]")
def command(
    upstream: str | None,
    listen: str,
    taps: tuple[str, ...],
    db: Path | None,
    label: str | None,
    normalize: bool,
    unsafe: bool,
    retry_unstreamed: bool,
    allow_remote: bool,
    allow_origins: tuple[str, ...],
    token: str | None,
    no_findings: bool,
    status: float,
    log: Path | None,
    preset: str | None,
    idle_timeout: float,
    redact_bodies: bool,
    max_size: int | None,
    upstream_ca: str | None,
    lake: str | None,
    every: timedelta,
    keep_secrets: bool,
    command_line: tuple[str, ...],
) -> None:
    """Stand between a client and a server and record every exchange.

    The path is left alone: an upstream https://host/api/v4 is reached at http://127.0.0.1:9100/api/v4. With a COMMAND
    that is run with OPENAI_BASE_URL and ANTHROPIC_BASE_URL set, and its exit code is ours; of several taps it is told
    the last one.
    """
    need_posix("record")
    from streamlab.report.log_file import Teller
    from streamlab.report.terminal import complain, say
    from streamlab.servers.access import make_access
    from streamlab.servers.command import base_urls
    from streamlab.storage.location import default_db
    from streamlab.workflows import record as recording
    from streamlab.workflows.record_display import Telling
    from streamlab.workflows.share import masking_of

    repair_mode = _repair_mode(normalize, unsafe, retry_unstreamed)
    access = make_access(allow_remote, allow_origins, token)
    path = db or default_db()
    beside = _rolling(path, lake, every, keep_secrets)
    bound = recording.listeners(recording.hops(upstream, listen, taps, upstream_ca), allow_remote=allow_remote)

    def announce() -> None:
        """The base URL to paste: on standard output, unless that is the command's; in words on standard error."""
        for listener in bound:
            url, route = recording.base_url(listener, access), listener[1]
            name = f"{route.tap}: " if route.tap else ""
            how = "recording and mending" if repair_mode else "recording"
            asked = " (COMMAND asks here)" if command_line and len(bound) > 1 and listener is bound[-1] else ""
            complain(f"{name}{how} {route.upstream.origin}{route.upstream.path} at {url}{asked} into {path}")
            if not command_line:
                origin = base_urls(url)["ANTHROPIC_BASE_URL"]
                say(_TOLD[preset or "openai"].format(url=url, origin=origin))
        if preset in _HINTS:
            complain(_HINTS[preset])

    teller = Teller(log)

    raise SystemExit(
        recording.record(
            bound,
            path,
            label=label,
            idle_timeout=idle_timeout,
            access=access,
            repair_mode=repair_mode,
            telling=Telling(not no_findings, 0.0 if teller.quiet else status, log),
            command=command_line,
            max_size=max_size,
            masking=masking_of() if redact_bodies else None,
            beside=beside,
            announce=announce,
            warn=teller.warn,
            note=teller.note,
        )
    )


def _rolling(db: Path, lake: str | None, every: timedelta, keep_secrets: bool) -> Callable[[], Callable[[], None]]:
    """Starts what moves finished exchanges into a lake."""
    if lake is None:
        if keep_secrets:
            raise click.UsageError("--keep-secrets is for --lake; a database keeps bodies as they are")
        return lambda: lambda: None
    from streamlab.workflows import fleet, rolling

    fleet.place_of(lake)  # without the extra one line says so, before anything is recorded
    return lambda: rolling.start(db, lake, every.total_seconds(), None, keep_secrets=keep_secrets)


def _repair_mode(normalize: bool, unsafe: bool, retry_unstreamed: bool) -> RepairMode | None:
    from streamlab.errors import UsageError
    from streamlab.workflows.record import RepairMode

    if not normalize and (unsafe or retry_unstreamed):
        raise UsageError("--unsafe and --retry-unstreamed say how to mend: add --normalize")
    return RepairMode(unsafe, retry_unstreamed) if normalize else None
