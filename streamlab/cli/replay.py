"""``streamlab replay``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamlab.cli.options import FiniteRange, access_options, db_option, max_input_option, need_posix

if TYPE_CHECKING:
    from streamlab.servers.replay import Played
    from streamlab.servers.stepping import Gate


def _systems(ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """``help`` lists them and ends."""
    if value == "help":
        from streamlab.playback.personality import personalities
        from streamlab.report.terminal import say

        say(*(f"{name:16} {', '.join(one.rules)}" for name, one in sorted(personalities().items())))
        ctx.exit()
    return value


@click.command(
    epilog="""\b
Examples:
  streamlab replay last
  streamlab replay fixtures/ --listen 127.0.0.1:0 --speed 0
  streamlab replay 12 --segments byte
  streamlab replay 12 --reset-after 3e      (after three events)
  streamlab replay 12 --fault 'at 3e: stall 30s' --fault 'rate 20 tok/s'
  streamlab replay 12 --fault '503 for 2 requests'
  streamlab replay captures/openai-plain --as glm4
  streamlab replay 12 --step --until 3
  streamlab replay fixtures/ --fail-on-miss --ignore 'messages[*].id'
"""
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--listen", default="127.0.0.1:9200", show_default=True, metavar="HOST:PORT", help="Port 0: any free.")
@click.option("--speed", type=FiniteRange(min=0), default=1.0, show_default=True, help="2 is twice as fast, 0 at once.")
@click.option(
    "--segments", default="recorded", show_default=True, help="recorded, event, byte, whole or a size in bytes."
)
@click.option("--cut-after", metavar="BYTES", help="Close in the middle after so many body bytes (or events: 3e).")
@click.option("--reset-after", metavar="BYTES", help="Reset the connection after so many body bytes (or events: 3e).")
@click.option("--stall-after", metavar="BYTES", help="Fall silent after so many body bytes (or events: 3e).")
@click.option(
    "--fault",
    "fault_texts",
    multiple=True,
    metavar="FAULT",
    help="What goes wrong: 'at 7e: drop', '429 retry-after=7', 'latency 2s±0.3'; docs/faults.md has the grammar.",
)
@click.option(
    "--as",
    "personality",
    metavar="SYSTEM",
    is_eager=True,
    callback=_systems,
    help="Let clean chat streams deviate as this system does: glm4, tgi, groq; help: all of them.",
)
@click.option("--step", is_flag=True, help="Send each event on Enter, or on POST /@step.")
@click.option(
    "--until", type=click.IntRange(min=0), metavar="N", help="With --step: the first N events come by themselves."
)
@click.option("--normalize", is_flag=True, help="Play the mended stream instead of the recorded one.")
@click.option(
    "--match",
    type=click.Choice(["strict", "ladder", "any"]),
    default="strict",
    show_default=True,
    help="What may differ in a request: what is declared; also labels such as metadata and user; everything.",
)
@click.option("--ignore", multiple=True, metavar="PATH", help="A member that may differ: metadata.*, messages[*].id.")
@click.option("--fail-on-miss", is_flag=True, help="Exit with 1 when a request was answered by no recording.")
@access_options
@db_option
@max_input_option
def command(
    targets: tuple[str, ...],
    listen: str,
    speed: float,
    db: Path | None,
    allow_remote: bool,
    allow_origins: tuple[str, ...],
    token: str | None,
    fault_texts: tuple[str, ...],
    match: str,
    ignore: tuple[str, ...],
    fail_on_miss: bool,
    step: bool,
    until: int | None,
    **options: object,
) -> None:
    """Play exchanges back: byte for byte, with the recorded timing, HTTP chunks and ending.

    Requests are matched on method, path and body; http://ADDRESS/@ID/v1/chat/completions names an exchange. What
    matches nothing gets a 404 that names the nearest. Never goes online. SIGINT ends it, with a count of what was
    exact, tolerated and missed: exit code 0, or 1 with --fail-on-miss when something was.
    """
    need_posix("replay")
    from streamlab.config import load_config
    from streamlab.playback.faults import parse_faults
    from streamlab.playback.matching import Ignored, Match
    from streamlab.report.terminal import complain, say
    from streamlab.report.unblocked import Unblocked
    from streamlab.servers.access import make_access
    from streamlab.servers.listening import bind, parse_listen
    from streamlab.workflows import replay as replaying

    gate = _gate(step, until, options)
    ignored = (*load_config().ignore_members, *ignore)
    Ignored(ignored)  # says at once what is no path
    faults = parse_faults(fault_texts) if fault_texts else None
    access = make_access(allow_remote, allow_origins, token)
    address = parse_listen(listen, allow_remote=allow_remote)
    playables = replaying.playables(targets, db, faults=faults, speed=speed, warn=complain, **options)  # type: ignore[arg-type]
    listener = bind(*address)
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}{access.prefix}"
    count = f"{len(playables)} exchange{'s' if len(playables) != 1 else ''}"

    def announce() -> None:
        complain(f"replaying {count} at {url}/v1")
        say(f"OPENAI_BASE_URL={url}/v1")
        say(f"ANTHROPIC_BASE_URL={url}")

    beside = Unblocked(sys.stderr)

    tally = replaying.MatchTally()

    def tell(played: Played) -> None:
        tally.add(played)
        beside.line(replaying.played_line(played))

    timing = replaying.serve(
        listener,
        playables,
        replaying.speed_of(faults, speed),
        tell,
        announce,
        match=Match(match),
        ignore=ignored,
        access=access,
        gate=gate,
        remark=beside.line,
    )
    if timing.errors_ns:
        complain(replaying.timing_line(timing))
    complain(tally.line)
    if fail_on_miss and tally.missed:
        sys.exit(1)


def _gate(step: bool, until: int | None, options: dict[str, object]) -> Gate | None:
    """What holds events back until a step. Events come whole then, whatever the reads were."""
    from streamlab.errors import UsageError
    from streamlab.servers.stepping import Gate

    if not step and until is None:
        return None
    if not step:
        raise UsageError("--until says how far --step goes by itself: give both")
    if options["segments"] not in ("recorded", "event"):
        raise UsageError("--step goes by events: leave --segments out")
    options["segments"] = "event"
    return Gate(until or 0)
