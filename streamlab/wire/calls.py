"""The one tracker of tool calls: says of every fragment which call it belongs to, for whoever asks.

A fragment belongs to the call that has its index. Where the index is missing or no number, the id decides, then the
name: a known id names its call, a new id or name opens the next, and what has neither continues the last.

Two things speak against the index. A fragment that plainly opens another call does so although its index is taken; and
indexes that count the fragments of one call, which only its first fragment names, leave it one call. Clients that take
the index literally see neither: theirs is the view `View.BY_INDEX`.

The tracker decides as fragments come and never takes a decision back. It keeps no text: memory grows with the calls.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject

_DIGITS = lazy_pattern(r"-?[0-9]{1,9}")
_NO_NAME = lazy_pattern(r"[\s\"'{}\[\]<>]")
_MARKS = lazy_pattern(r'["\\{}\[\]]')
_PLAIN = {"index", "function"}
_REPEATING = _PLAIN | {"id", "type"}
_NAMED = {"name", "arguments"}
_SCANNED_AT_ONCE = 64
_MAX_IDS = 64
_BEFORE_A_VALUE = (":", "[", ",")


class View(Enum):
    """Whose picture of the calls is wanted."""

    MEANT = "the calls that the server meant: an index that two calls share, or that counts fragments, is seen through"
    BY_INDEX = "the calls of a client that joins whatever has the same index"


class Scan:
    """Follows the brackets of arguments, to say whether they are complete; reads each character once, when asked."""

    __slots__ = ("_closed", "_depth", "_escaped", "_in_string", "_last", "_pending", "begun")

    def __init__(self) -> None:
        self.begun = False
        self._pending: list[str] = []
        self._depth = 0
        self._in_string = self._escaped = self._closed = False
        self._last = ""

    def add(self, piece: str) -> None:
        self.begun = True
        self._pending.append(piece)
        if len(self._pending) >= _SCANNED_AT_ONCE:
            self._read()

    @property
    def complete(self) -> bool:
        """Whether a value was there in full, whatever followed it."""
        self._read()
        return self._closed

    @property
    def balanced(self) -> bool:
        """Whether a value was there in full, and nothing that followed it is open."""
        return self.complete and not self._depth and not self._in_string

    @property
    def in_text(self) -> bool:
        """Whether a string is open, which a quote would close."""
        self._read()
        return self._in_string and not self._escaped

    def may_go_on(self, piece: str) -> bool:
        """Whether a piece can continue arguments that are not complete, and does not look like the begin of others."""
        begins = piece.lstrip().startswith("{")
        if not self.begun:
            return begins
        if self.complete:
            return False
        if self._in_string:
            return not piece.startswith('{"')
        return not begins or self._last in _BEFORE_A_VALUE

    def closes(self, pieces: list[str], text: str) -> bool:
        """Whether all that is open is closed now, or would be after any of these pieces, ``text`` together."""
        if self.balanced:
            return True
        if self._depth and "}" not in text and "]" not in text:
            return False
        scan = self._copy()
        for piece in pieces:
            scan.add(piece)
            if scan.balanced:
                return True
        return False

    def _copy(self) -> Scan:
        scan = Scan()
        for name in self.__slots__:
            setattr(scan, name, getattr(self, name))
        scan._pending = [*self._pending]
        return scan

    def _read(self) -> None:
        if not self._pending:
            return
        text = "".join(self._pending)
        self._pending.clear()
        at = 0
        if self._escaped:
            self._escaped, at = False, 1
        while match := _MARKS.search(text, at):
            at = match.end()
            mark = match.group()
            if mark == '"':
                self._in_string = not self._in_string
            elif mark == "\\":
                self._escaped = at >= len(text)
                at += 1
            elif not self._in_string:
                self._depth = max(self._depth + (1 if mark in "{[" else -1), 0)
                self._closed = self._closed or self._depth == 0
        self._last = text.rstrip()[-1:] or self._last


class TrackedCall:
    """What the tracker knows of one call; whoever tracks adds what else they keep.

    ``id`` is the first that is not empty, ``ids`` all of them. ``name`` is the whole name so far: pieces are joined,
    and what repeats it adds nothing. ``index`` is the number by which later fragments find it.
    """

    __slots__ = ("choice", "counted", "id", "ids", "index", "last_name", "name", "scan")

    def __init__(self, choice: int, index: int) -> None:
        self.choice = choice
        self.index = index
        self.id: str | None = None
        self.ids: dict[str, None] = {}
        self.name: str | None = None
        self.scan = Scan()
        self.last_name = ""
        #: The index of the last fragment, while each fragment has had the index after that of the one before it.
        self.counted: int | None = index

    def add(self, fragment: JsonObject) -> None:
        """One more fragment of this call."""
        call_id = fragment.get("id")
        if type(call_id) is str and call_id:
            self.id = self.id or call_id
            if len(self.ids) < _MAX_IDS:
                self.ids[call_id] = None
        function = reading.function(fragment)
        name = function.get("name")
        if type(name) is str and name:
            self.name = whole_name(self.name, self.last_name, name)
            self.last_name = name
        self.add_text(arguments_text(function.get("arguments")))

    def add_text(self, piece: str) -> None:
        """More text of the arguments; may be empty."""
        if piece:
            self.scan.add(piece)


def whole_name(known: str | None, last: str, piece: str) -> str:
    """The name so far with one more piece; a piece that repeats the last, or all before it, adds nothing twice."""
    if not known or piece.startswith(known):
        return piece
    return known if piece == last else known + piece


def is_no_name(name: str | None) -> bool:
    """Whether the name of a call is none that a function can have: quotes, brackets or blanks are in it."""
    return name is not None and _NO_NAME.search(name) is not None


def called(call: JsonObject) -> tuple[Any, Any]:
    """Name and arguments of a call, or of a fragment of one; a custom tool's are its name and its input."""
    custom, of = call.get("custom"), reading.function(call)
    if type(custom) is dict and not of:
        return custom.get("name"), custom.get("input")
    return of.get("name"), of.get("arguments")


def arguments_text(value: Any) -> str:
    """Arguments as text: a string as it is, nothing for null, any other value as JSON."""
    if type(value) is str:
        return value
    import json  # deferred: arguments are text

    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


C = TypeVar("C", bound=TrackedCall)


class Placed(NamedTuple, Generic[C]):
    """Where a fragment belongs. ``opens`` says that it is the first of its call, ``collides`` that its index belonged
    to another, ``resumes`` that it goes back to a call after a fragment of another, ``counted`` that its index counts
    the fragments of the call; ``known_id`` and ``known_name`` are what the call had before it."""

    call: C
    opens: bool
    collides: bool
    resumes: bool
    counted: bool
    known_id: str | None
    known_name: str | None


class CallTracker(Generic[C]):
    """Tracks the calls of one answer. ``made`` makes a call of its choice and index."""

    def __init__(self, made: type[C], view: View = View.MEANT) -> None:
        self._made = made
        self._sees_through = view is View.MEANT
        self._open: dict[tuple[int, int], C] = {}  # (choice, index) -> the call that has it now
        self._last: dict[int, C] = {}  # choice -> the call of its last fragment
        self._top: dict[int, int] = {}  # choice -> the greatest index so far
        self._by_id: dict[tuple[int, str], C] = {}

    def plain(self, choice: int, raw: JsonObject) -> C | None:
        """The call of a fragment that is nothing but more arguments for the last one; None when it is anything else."""
        if raw.keys() != _PLAIN:
            return None
        last, function = self._last.get(choice), raw["function"]
        index = raw["index"]
        if last is None or type(index) is not int or index < 0 or index != last.index or type(function) is not dict:
            return None
        if (
            len(function) != 1
            or type(function.get("arguments")) is not str
            or self._open.get((choice, index)) is not last
        ):
            return None
        last.counted = None
        return last

    def continuing(self, choice: int, raw: JsonObject) -> C | None:
        """The same where the fragment also repeats, or leaves empty, what its call has: its id, name and type."""
        call = self.plain(choice, raw)
        if call is not None:
            return call
        last, function, index = self._last.get(choice), raw.get("function"), raw.get("index")
        if last is None or not raw.keys() <= _REPEATING or type(function) is not dict or not function.keys() <= _NAMED:
            return None
        if type(index) is not int or index < 0 or index != last.index or self._open.get((choice, index)) is not last:
            return None
        call_id, name = raw.get("id"), function.get("name")
        same_id = call_id is None or call_id == "" or (type(call_id) is str and call_id == last.id)
        same_name = name is None or name == "" or (type(name) is str and name == last.name == last.last_name)
        if not (same_id and same_name and type(function.get("arguments")) is str) or last.counted is not None:
            return None
        return last

    def place(self, choice: int, raw: JsonObject) -> Placed[C]:
        """Find the call of a fragment, opened when it is new, and add the fragment to it."""
        last = self._last.get(choice)
        index = _number(raw.get("index"))
        counted = False
        if index is None:
            call, collides = self._without_index(choice, last, raw), False
        else:
            counted = self._sees_through and self._counts(choice, index, last, raw)
            call = last if counted else self._open.get((choice, index))
            collides = self._sees_through and call is not None and not counted and _is_another(call, raw)
        opens = call is None or collides
        if call is None or collides:
            call = self._opened(choice, index)
        elif index is not None and counted:
            call.counted = index
            self._open[choice, index] = call
            self._top[choice] = max(index, self._top.get(choice, index))
        else:
            call.counted = None
        placed = Placed(
            call, opens, collides, not opens and last is not None and last is not call, counted, call.id, call.name
        )
        self.add(call, raw)
        self._last[choice] = call
        return placed

    def add(self, call: C, raw: JsonObject) -> None:
        """Add a fragment to its call, and remember its id."""
        call.add(raw)
        call_id = raw.get("id")
        if type(call_id) is str and call_id in call.ids:
            self._by_id.setdefault((call.choice, call_id), call)

    def restore(self, call: C, *, last: bool) -> None:
        """Take up a call as an earlier tracker left it."""
        self._open[call.choice, call.index] = call
        self._top[call.choice] = max(call.index, self._top.get(call.choice, call.index))
        for call_id in call.ids:
            self._by_id.setdefault((call.choice, call_id), call)
        if last:
            self._last[call.choice] = call

    def last(self, choice: int) -> C | None:
        """The call of the last fragment of a choice."""
        return self._last.get(choice)

    def _opened(self, choice: int, index: int | None) -> C:
        missing = index is None
        if index is None:
            index = self._top.get(choice, -1) + 1
        call = self._open[choice, index] = self._made(choice, index)
        if missing:
            call.counted = None
        self._top[choice] = max(index, self._top.get(choice, index))
        return call

    def _without_index(self, choice: int, last: C | None, raw: JsonObject) -> C | None:
        """The call of a fragment without index; None when it opens the next."""
        call_id, name = raw.get("id"), reading.function(raw).get("name")
        named = type(name) is str and bool(name)
        if type(call_id) is str and call_id:
            known = self._by_id.get((choice, call_id))
            if known is not None and not (known.name and _is_another(known, raw)):
                return known
            return None if named else last
        if named and last is not None and ((last.name and last.name != name) or last.scan.complete):
            return None
        return last

    def _counts(self, choice: int, index: int, last: C | None, raw: JsonObject) -> bool:
        """Whether the index of a fragment counts the fragments of the last call, which it continues.

        Certain only where the call has id and name, each of its fragments had the next index, this one has the next
        after them, no id or name of its own, and text that continues arguments which are not complete.
        """
        if last is None or last.counted is None or index != last.counted + 1 or (choice, index) in self._open:
            return False
        function = reading.function(raw)
        piece, call_id = function.get("arguments"), raw.get("id")
        if not (last.id and last.name) or function.get("name") or type(piece) is not str:
            return False
        if call_id and call_id != last.id:
            return False
        going = last.counted != last.index  # it was certain before
        return (going and not last.scan.complete) or (not piece.strip() if going else last.scan.may_go_on(piece))


def _number(index: Any) -> int | None:
    """An index as the tolerant clients read it: an integer, or a string of digits."""
    if type(index) is int:
        return index
    if type(index) is str and _DIGITS.fullmatch(index):
        return int(index)
    return None


def _is_another(call: TrackedCall, raw: JsonObject) -> bool:
    """Whether a fragment with the index of ``call`` plainly opens another one.

    It has a name. A different name needs a new id, or complete arguments before it; the same name needs both, because a
    server may also repeat the name (and make up a new id) in every fragment.
    """
    call_id, name = raw.get("id"), reading.function(raw).get("name")
    if not (type(name) is str and name) or not call.name:
        return False
    new_id = type(call_id) is str and bool(call_id) and bool(call.id) and call_id not in call.ids
    if name == call.name:
        return new_id and call.scan.complete
    return new_id or call.scan.complete
