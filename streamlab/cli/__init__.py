"""The command line. ``--help`` loads nothing beside this module; what a command needs is loaded when it is called."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False  # typing.TYPE_CHECKING without loading typing
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: What one wants -> command -> one line for ``--help``. A command's module is ``streamlab.cli.<name>`` (``import``
#: lives in import_.py) and holds a click command called ``command``.
SECTIONS = {
    "Start": {
        "demo": "Show the whole loop on broken stand-in servers.",
        "doctor": "Look at what streamlab stands on: versions, database, ports, proxies.",
    },
    "Record": {
        "record": "Record streams through a capture proxy.",
        "import": "Read exchange directories, .sse files and other recordings.",
        "probe": "Ask a live server a fixed set of questions, and judge the answers.",
        "drift": "Ask recorded questions again, and say what changed in the answers.",
    },
    "Look": {
        "ls": "List what was recorded.",
        "tui": "Open the workbench.",
        "show": "Show one exchange in full.",
        "check": "Say where a stream departs from what OpenAI promises.",
        "rule": "Explain one rule.",
        "rules": "List the rules.",
        "diff": "Show an exchange beside what OpenAI would have sent.",
        "compare": "Say what a hop did to a stream, and who is to blame.",
        "clients": "Ask real clients what they make of your bytes.",
    },
    "Mend and play back": {
        "normalize": "Mend a stream, and account for every change.",
        "replay": "Play exchanges back, faults included.",
        "fuzz": "Find the smallest cut or fault that changes what a command does.",
        "shrink": "Cut a capture down to the smallest that still shows it.",
    },
    "Keep and share": {
        "export": "Write exchanges as fixtures or in other formats.",
        "bundle": "Put exchanges into one file that holds no secret.",
        "redact": "Take secrets out of exchanges, and prove it.",
        "prune": "Delete exchanges from the database.",
        "pack": "Make the database small, or lay exchanges out for plain SQL.",
    },
    "Many recordings": {
        "trend": "Say how often rules spoke, by model, server, version, label or day.",
        "bisect": "Find the first recording in which a rule spoke.",
        "lake": "Keep the exchanges of many recorders as Parquet.",
        "sql": "Ask for anything about many exchanges, in SQL.",
    },
    "Other programs": {
        "mcp": "Answer tools that speak MCP about what was recorded.",
        "completion": "Print the script that completes commands in your shell.",
    },
}
COMMANDS = {name: line for section in SECTIONS.values() for name, line in section.items()}

#: New objects after which garbage is looked for. Loading modules makes tens of thousands and no garbage.
_OBJECTS = 50_000

#: Commands that read, say something and are done.
_SHORT = frozenset({"check", "diff", "ls", "normalize", "rule", "rules", "show", "trend"})

#: Columns from which on the help is always the same (help.txt, by ``make docs``).
_WIDE = 80


def __getattr__(name: str) -> Any:
    if name == "group":
        from streamlab.cli.dispatch import group

        return group
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command; every expected failure is one line on stderr and its documented exit code."""
    gc.set_threshold(_OBJECTS)
    _lead_closed_nowhere()
    _write_any_character()
    args = sys.argv[1:] if argv is None else list(argv)
    if argv is None:  # the process is ours
        from streamlab.workflows.leaving import leave_at_signals

        leave_at_signals()
    try:
        if args in (["--help"], ["-h"]) and _columns() >= _WIDE:
            _print_help()
            sys.exit(0)
        code = _plainly(args)
        if code is None:
            from streamlab.cli.dispatch import run

            code = run(args)
        if argv is None and args[:1] and args[0] in _SHORT:
            _leave(code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        _close_stdout()
        sys.exit(0)
    except OSError as error:
        complain(f"{error.strerror or error}: {error.filename}" if error.filename else error.strerror or str(error))
        sys.exit(3)
    sys.exit(code)


def _plainly(args: list[str]) -> int | None:
    """The exit code of an ``ls`` or a ``check`` that asks for nothing that takes click to read; None where it does."""
    plain = {"ls": _listed, "check": _checked}.get(args[0]) if args else None
    if plain is None or any(name.endswith("_COMPLETE") for name in os.environ):  # a shell asks for completions
        return None
    from streamlab.errors import StreamlabError

    try:
        return plain(args[1:])
    except StreamlabError as error:
        complain(str(error))
        return error.exit_code


def _listed(args: list[str]) -> int | None:
    from streamlab.cli.list_words import listed_plainly

    asked = listed_plainly(args)
    if asked is None:
        return None
    from pathlib import Path

    from streamlab.cli.list_printing import print_list
    from streamlab.storage.location import existing_db
    from streamlab.workflows.summarize import Wanted

    database, limit, as_json = asked
    print_list(existing_db(Path(database) if database is not None else None), Wanted(), limit, as_json)
    return 0


def _checked(args: list[str]) -> int | None:
    from streamlab.cli.check_words import checked_plainly

    asked = checked_plainly(args)
    if asked is None:
        return None
    _load_msgspec()
    from streamlab.cli.checking import check_plainly

    return check_plainly(*asked)


def _load_msgspec() -> None:
    """Load msgspec, which takes of typing what it asks of typing_extensions where that is not there. Since Python 3.11
    typing has all of it; to load typing_extensions, and inspect for its sake, would take a tenth of a small check."""
    loaded: dict[str, Any] = sys.modules
    if loaded.keys() & {"msgspec", "typing_extensions"}:
        return
    loaded["typing_extensions"] = None  # as if it were not there
    try:
        import msgspec  # noqa: F401
    finally:
        del loaded["typing_extensions"]


def _lead_closed_nowhere() -> None:
    """What the shell closed (``>&-``) leads nowhere, as for Python's own print; nor does what is opened later, a
    database say, get its number, under which some program would write to it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "w" if number else "r", encoding="utf-8")  # noqa: SIM115
            if nowhere.fileno() == number:
                os.set_inheritable(number, True)
            setattr(sys, name, nowhere)


def _write_any_character() -> None:
    """Files and pipes get UTF-8 where the system would have another coding (Windows' code pages, LC_ALL=C); a terminal
    of another coding, and who asked for one by PYTHONIOENCODING, gets escapes for what it lacks."""
    for stream in (sys.stdout, sys.stderr):
        encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-")
        if encoding in ("utf-8", "utf8", "cp65001") or not hasattr(stream, "reconfigure"):
            continue
        if stream.isatty() or "PYTHONIOENCODING" in os.environ:
            stream.reconfigure(errors="backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8")


def _leave(code: int) -> None:
    """End the process as it stands. To take hundreds of modules apart takes a quarter of the time of a small check.

    Where somebody else is at work in it, or looks on, it goes on to its ordinary end.
    """
    threading = sys.modules.get("threading")
    watched = sys.gettrace() is not None or sys.getprofile() is not None or sys.flags.interactive
    if watched or sys.modules.keys() & {"multiprocessing", "concurrent.futures", "asyncio"}:
        return
    if threading is not None and threading.active_count() > 1:
        return
    import atexit

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


def _columns() -> int:
    """How wide the terminal is, as click sees it; 0 where that is not known."""
    if any(name.endswith("_COMPLETE") for name in os.environ):  # a shell asks for completions
        return 0
    told = os.environ.get("COLUMNS", "")
    if told:
        return int(told) if told.isdecimal() and int(told) > 0 else 0
    try:
        return os.get_terminal_size(1).columns or _WIDE
    except OSError:
        return _WIDE  # no terminal


def _print_help() -> None:
    with open(os.path.join(os.path.dirname(__file__), "help.txt"), encoding="utf-8") as file:
        sys.stdout.write(file.read())
    sys.stdout.flush()


def complain(message: str) -> None:
    """Say on standard error, in a line, what failed."""
    from streamlab.wire.visible import visible

    print(f"streamlab: {visible(message)}", file=sys.stderr)


def _close_stdout() -> None:
    """Whoever read our output has gone; keep the interpreter from complaining about it at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass
