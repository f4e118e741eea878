"""Normalizers under test, as machines that take bytes and give bytes: ours, or somebody's by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Protocol

from streamlab.errors import UsageError
from streamlab.exchange import Ending, Exchange
from streamlab.repairing.normalizer import Normalizer
from streamlab.workflows.regression.cutting import Bytewise


class Machine(Protocol):
    """What is tested: takes bytes, gives bytes."""

    def feed(self, data: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


MachineFactory = Callable[[Exchange], Machine]


class Ours:
    """Our normalizer, told how the exchange ended."""

    def __init__(self, normalizer: Normalizer, ending: Ending) -> None:
        self.feed, self.feed_bytewise = normalizer.feed, normalizer.feed_bytewise
        self._inner, self._ending = normalizer, ending

    def finish(self) -> bytes:
        """The rest, when all bytes came."""
        return self._inner.finish(self._ending)


class _Streaming:
    """A callable from an iterable of bytes to an iterable of bytes, as a machine: it runs when all cuts are known."""

    def __init__(self, function: Callable[[Iterable[bytes]], Iterable[bytes]]) -> None:
        self._function = function
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        self._pieces.append(data)
        return b""

    def finish(self) -> bytes:
        return b"".join(self._function(iter(self._pieces)))


def our_machine(exchange: Exchange) -> Machine:
    """streamlab's own normalizer."""
    return Ours(Normalizer(exchange.request, exchange.head), exchange.ending)


def machine_factory(name: str | None) -> MachineFactory:
    """The machine that ``package.module:name`` names; ours for None. Raises UsageError."""
    if name is None:
        return our_machine
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(f"--streamlab-normalizer: {name!r} is not PACKAGE.MODULE:NAME, such as mine:normalize")
    try:
        found: Any = import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"cannot load the normalizer {name}: {error}") from None
    if isinstance(found, type):
        if not (hasattr(found, "feed") and hasattr(found, "finish")):
            raise UsageError(f"the normalizer {name} is a class without feed and finish")
        return lambda _exchange: found()
    if callable(found):
        return lambda _exchange: _Streaming(found)
    raise UsageError(f"the normalizer {name} is neither a callable nor a class with feed and finish")


def run(machine: Machine, pieces: Iterable[bytes]) -> tuple[bytes, str | None]:
    """What a machine makes of these pieces, and the error it raised, if it raised one."""
    out: list[bytes] = []
    feed = machine.feed
    try:
        if isinstance(pieces, Bytewise) and isinstance(machine, Ours):
            out.append(machine.feed_bytewise(pieces.body))
            pieces = ()
        for piece in pieces:
            if made := feed(piece):
                out.append(made)
        out.append(machine.finish())
    except Exception as error:
        return b"".join(out), f"it raised {type(error).__name__}: {error}"
    return b"".join(out), None
