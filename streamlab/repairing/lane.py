"""A lane: events that come one by one, each like the one before, pass by comparing their bytes.

Most reads of a live stream hold one event, equal to the one before but for its text. Where that one passed, and all who
look at such events have said that they let the next ones pass whatever they say (`Repair.unseen`), nobody is asked
about these: their bytes are compared, their text is seen to be a plain string, and they are kept, to be told as one run
as soon as anything else comes, or there is no more room.
"""

from __future__ import annotations

from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Judge, Judged
from streamlab.rules.repairs.framing import SEPARATORS
from streamlab.wire.runs import LONGEST, PLAIN_NUMBER, Run, decoded_string

#: Bytes that stand for themselves in a JSON string.
_PLAIN = bytes(one for one in range(0x20, 0x80) if one not in b'"\\')
_ODD = lazy_pattern(rb'["\\\x00-\x1f]')


class Lane:
    """Goes on where ``run`` ended, for events like it: texts of at most ``longest`` bytes, ``room`` bytes in all.

    A text is a plain string; where there is somebody to ``judge`` texts, it may have escapes.
    """

    __slots__ = (
        "_before",
        "_betweens",
        "_escapes",
        "_first",
        "_judge",
        "_longest",
        "_order",
        "_rear",
        "_run",
        "_texts",
        "_values",
        "room",
    )

    def __init__(self, run: Run, longest: int, room: int, judge: Judge | None = None) -> None:
        self._run = run
        self._before, self._betweens, self._rear = run.template.constants
        self._order = run.template.order
        self._longest, self.room = longest, room
        self._judge, self._escapes = judge, judge is not None
        self._first = None if run.first is None else run.first + len(run)  # number of the first event
        # Of each event only what varies: the rest would be a page of memory for every stream that nobody reads again.
        self._values: list[bytes] = []
        self._texts = [] if self._betweens else self._values

    def __len__(self) -> int:
        """How many events came this way."""
        return len(self._values)

    @property
    def raw(self) -> bytes:
        """The bytes of them."""
        before, rear = self._before, self._rear
        return b"".join((before, (rear + before).join(self._values), rear)) if self._values else b""

    def takes(self, data: bytes, begin: int = 0, behind: int = 0) -> bool:
        """Whether ``data``, from ``begin`` on and but for the last ``behind`` bytes, is the next event. If so, what it
        says is kept."""
        stop = len(data) - behind
        before, rear = self._before, self._rear
        if not data.startswith(before, begin) or not data.endswith(rear, begin, stop) or stop - begin > self.room:
            return False
        text = value = data[begin + len(before) : stop - len(rear)]
        if self._betweens:
            text = self._text_of(value) if len(value) <= LONGEST else b""
        if not 0 < len(text) <= self._longest:
            return False
        odd = text.translate(None, _PLAIN)
        if odd and not self._escapes and not _is_plain(text):
            return False
        judge = self._judge
        if judge is not None or (odd and self._escapes):
            said = _said(text) if odd else text.decode()
            judged = Judged.STOPS if said is None else judge(said) if judge is not None else Judged.PASSES
            if judged is Judged.STOPS:
                return False
            if judged is Judged.ALL_PASS:
                self._judge = None
        self.room -= stop - begin
        self._values.append(value)
        if self._betweens:
            self._texts.append(text)
        return True

    def _text_of(self, value: bytes) -> bytes:
        """The text between what else varies; b"" where that is not as it should be."""
        varying = self._run.template.varying
        if len(self._order) == 2 and not varying.number:  # nearly always: padding
            one, found, other = value.partition(self._betweens[0])
            text, noise = (one, other) if self._order[0] == varying.path else (other, one)
            return text if found and (not noise or noise.isalnum()) else b""
        text = b""
        number = 0 if self._first is None else self._first + len(self._values)
        for path, between in zip(self._order, (*self._betweens, b""), strict=True):
            one, found, value = value.partition(between) if between else (value, b"-", b"")
            if not found:
                return b""
            if path == varying.path:
                text = one
            elif path == varying.number:
                if one != b"%d" % number or not PLAIN_NUMBER.match(one):
                    return b""
            elif one and not one.isalnum():
                return b""
        return text

    def run(self) -> Run | None:
        """What came this way."""
        if not self._values:
            return None
        texts = b"\n".join(self._texts).decode().split("\n")  # a plain string has no line feed
        around = len(self._before) + len(self._rear)
        sizes = [len(value) + around for value in self._values]
        return Run(self._run.template, self.raw, self._run.start + len(self._run.raw), texts, self._first, sizes)


def _is_plain(text: bytes) -> bool:
    """Whether bytes, some of them beyond ASCII, stand for themselves in a JSON string, and no reader takes any of them
    for the end of a line."""
    if _ODD.search(text):
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return not SEPARATORS.search(text)


def _said(text: bytes) -> str | None:
    """What a JSON string says that is not plain; None where it is none, or as above."""
    return None if SEPARATORS.search(text) else decoded_string(text)
