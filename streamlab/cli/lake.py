"""``streamlab lake``."""

from __future__ import annotations

import click

from streamlab.cli.options import max_input_option, warn


@click.group(
    "lake",
    epilog="""\b
Examples:
  streamlab lake add captures/streamlab.db --to captures/lake
  streamlab check lake:captures/lake
  streamlab lake compact captures/lake
  streamlab trend lake:captures/lake --by model,day
""",
)
def command() -> None:
    """Keep the exchanges of many recorders as Parquet: a folder, or an address such as s3://bucket/streams.

    Needs the extra: in a clone, pip install '.[fleet]'. A lake is a TARGET: lake:PATH, lake:PATH#HASH.
    """


@command.command(
    "add",
    epilog="""\b
Examples:
  streamlab lake add captures/streamlab.db --to captures/lake
  streamlab lake add captures/streamlab.db --to captures/lake --pattern "staff-[0-9]+"
  streamlab lake add captures/streamlab.db --to captures/lake --recorder gateway-07
""",
)
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...")
@click.option("--to", "lake", required=True, metavar="PATH", help="The lake, which is made where there is none.")
@click.option(
    "--recorder", metavar="NAME", help="Who recorded.  [default: the file's name; for streamlab.db, this machine's]"
)
@click.option("--keep-secrets", is_flag=True, help="Leave bodies as they are; heads lose their secrets anyway.")
@click.option("--pattern", "patterns", multiple=True, metavar="RE", help="Mask what matches this too.")
@max_input_option
def add(
    captures: tuple[str, ...], lake: str, recorder: str | None, keep_secrets: bool, patterns: tuple[str, ...]
) -> int:
    """Put finished exchanges into a lake, each once, without their secrets.

    CAPTURE is any TARGET: a database, a folder, a bundle. Added again, nothing is added. Exit code 0: all are there; 3:
    some had to be left out.
    """
    from streamlab.cli.progress import ProgressLine
    from streamlab.report.terminal import say
    from streamlab.report.units import counted
    from streamlab.workflows import fleet
    from streamlab.workflows.share import masking_of

    place = fleet.place_of(lake)
    masking = None if keep_secrets else masking_of(patterns)
    with ProgressLine() as progress:
        added = fleet.add(
            captures,
            place,
            recorder=recorder,
            masking=masking,
            advance=progress.advance,
            warn=warn,
        )
    known = f", {added.known:,} were there" if added.known else ""
    say(f"added {counted(added.new, 'exchange')} to lake:{place.address}{known}")
    return 3 if added.left_out else 0


@command.command(
    "compact",
    epilog="""\b
Examples:
  streamlab lake compact captures/lake
""",
)
@click.argument("lake", metavar="LAKE")
def compact(lake: str) -> int:
    """Make large files of the small ones of each day and recorder.

    What `record --lake` writes every ten minutes takes less than half then, and is listed faster. What was judged stays
    judged. Run it as often as you like, in an object store one at a time. Exit code 0: done; 2: some files cannot be
    read, and stay.
    """
    from streamlab.report.terminal import say
    from streamlab.report.units import counted
    from streamlab.storage.lake.compacting import compact as compacted
    from streamlab.workflows import fleet

    place = fleet.place_of(lake)
    done = compacted(place, warn)
    sizes = f": {done.before / 1e6:,.1f} MB, now {done.now / 1e6:,.1f} MB" if done.into else ""
    say(f"{counted(done.files, 'file')} of lake:{place.address} made into {done.into:,}{sizes}")
    return 2 if done.unreadable else 0
