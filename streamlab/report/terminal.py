"""Consoles for data (stdout) and for progress and diagnostics (stderr); both honour NO_COLOR, COLUMNS and pipes.

Whatever goes to a terminal passes here, and every character that could draw on it, hide in it or turn it around is
made visible on the way: in text by `streamlab.wire.visible`, in JSON and XML by the escapes of those formats.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.visible import UNSAFE, visible

if TYPE_CHECKING:
    from streamlab.report.harmless_console import HarmlessConsole

#: How wide an answer is that does not go to a terminal, where COLUMNS says nothing else.
PIPE_WIDTH = 100
_NARROWEST = 20
#: What makes Rich take a pipe for a terminal.
_FORCING = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
_LINES_AT_ONCE = 1000
_PADDING = lazy_pattern(r"[ \t]+(?=\n)")


def data() -> HarmlessConsole:
    """Where answers go."""
    return _console(sys.stdout)


def answers() -> HarmlessConsole:
    """The same, for what is printed by ``whole``, ``hanging``, ``facts`` and texts of the console's own ``text``: where
    no colours are wanted Rich is not loaded."""
    if not is_bare():
        return data()
    from streamlab.report.plain_console import PlainConsole

    return PlainConsole(sys.stdout, piped_width())  # type: ignore[return-value]


def diagnostics() -> HarmlessConsole:
    """Where progress and complaints go."""
    return _console(sys.stderr)


def is_bare() -> bool:
    """Whether answers go where no colours are wanted, in lines as they are: then nobody needs Rich for them."""
    return not sys.stdout.isatty() and not any(name in os.environ for name in _FORCING)


def _console(stream: IO[str]) -> HarmlessConsole:
    from streamlab.report.harmless_console import HarmlessConsole

    live = stream.isatty()
    return HarmlessConsole(
        file=stream if live else _Unpadded(stream),  # type: ignore[arg-type]
        highlight=False,
        emoji=False,
        markup=False,
        width=None if live else piped_width(),
    )


def piped_width() -> int:
    """The width of an answer to a pipe: COLUMNS, or 100."""
    columns = os.environ.get("COLUMNS", "")
    return max(_NARROWEST, int(columns)) if columns.isdecimal() and len(columns) < 6 else PIPE_WIDTH


class _Unpadded:
    """A stream that loses the spaces at the ends of lines, with which tables fill their last column."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(_PADDING.sub("", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


# -- lines and documents, without a console ---------------------------------------------------------------------------


def say(*lines: str) -> None:
    """Lines on standard output, as they are but harmless."""
    _write_lines(sys.stdout, lines)


def complain(*lines: str) -> None:
    """Lines on standard error, as they are but harmless."""
    _write_lines(sys.stderr, lines)


def _write_lines(stream: IO[str], lines: Iterable[str]) -> None:
    waiting = iter(lines)
    while some := list(islice(waiting, _LINES_AT_ONCE)):  # not all: there may be as many as a stream has events
        stream.write("".join(f"{visible(line)}\n" for line in some))
    stream.flush()


def say_json(value: Any, *, to_stderr: bool = False, indent: int | None = 1) -> None:
    """A JSON document."""
    from streamlab.report.documents import dump

    stream = sys.stderr if to_stderr else sys.stdout
    stream.write(document("json", dump(value, indent), stream) + "\n")
    stream.flush()


def say_streamed(value: Any) -> None:
    """A JSON document in which `streamlab.report.json.Streamed` stands for long lists."""
    from streamlab.report.documents import pieces

    say_document("json", pieces(value))
    sys.stdout.write("\n")
    sys.stdout.flush()


def say_document(form: str, pieces: Iterable[str]) -> None:
    """A document in pieces: ``form`` is json, sarif, junit, or one that is harmless already."""
    for piece in pieces:
        sys.stdout.write(document(form, piece, sys.stdout))
    sys.stdout.flush()


def say_body(body: bytes) -> None:
    """A stream's bytes: as they are to a pipe or a file, made visible, line by line, on a terminal."""
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    sys.stdout.write("\n".join(map(visible, text.split("\n"))))
    sys.stdout.flush()


def document(form: str, text: str, stream: IO[str]) -> str:
    """A document's text for a stream: on a terminal with what is unsafe there escaped as the format escapes it."""
    if not stream.isatty():
        return text
    if form in ("json", "sarif"):
        return UNSAFE.sub(lambda match: _json_escape(match.group()), text)
    if form == "junit":
        return UNSAFE.sub(lambda match: _xml_escape(match.group()), text)
    return text


def _json_escape(character: str) -> str:
    code = ord(character)
    if character in "\n\t":  # between the members; inside a string JSON has them escaped
        return character
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code - 0x10000 & 0x3FF):04x}"


def _xml_escape(character: str) -> str:
    return character if character in "\n\t\r" else f"&#x{ord(character):x};"
