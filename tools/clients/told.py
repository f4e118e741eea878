"""A result's word for what a client did on a stream, in the words that findings print."""

from __future__ import annotations

import re
from typing import NamedTuple

from streamlab.comparing.held import EMPTY, INTERRUPTED

#: What differs from the perfect stream, by the letters of a result, in the words of a phrase.
LETTERS = {
    "e": "an empty answer",
    "t": "other text",
    "r": "other reasoning",
    "k": "another number of calls",
    "n": "other function names",
    "a": "other arguments",
    "i": "other call ids",
    "o": "calls in another order",
    "v": "a call marked invalid",
    "f": "another finish_reason",
    "u": "other usage",
}
#: Exceptions of our drivers, and values that are thrown and are no errors.
RAISED = {
    "ClientReported": "reports an error",
    "PiStopReasonError": "stops with an error",
    "TurnFailed": "stops with an error",
    "object": "raises an error",
    "String": "raises an error",
    "": "raises an error",
}
AGAIN = {
    "not streamed": ("raises", "throws the stream away and asks again without streaming"),
    "call not run": ("wrong", "does not run the tool, asks the model again"),
    "no answer": ("wrong", "loses it, asks the model again where nothing is left"),
}
#: What "an empty answer" says of.
OF_THE_ANSWER = frozenset("trknaiov")
GRAVITY = ("hangs", "raises", "silent-loss", "wrong")


class Did(NamedTuple):
    """What a client did on a stream; ``strict`` says whether it does so only where a tool is strict, or none is."""

    harm: str
    how: str
    strict: bool | None = None


#: The same where the whole answer is lost.
NOTHING_LEFT = Did("wrong", "holds no answer, asks the model again")


def outcome(text: str, ignored: str = "", *, whole: bool = False) -> Did | None:
    """A result's word for what a client did, in ours; None when nothing but ``ignored`` letters differ. ``whole``: the
    deviation spares no part of an answer, so who held none of the stream asked about holds none of any."""
    if text == "hang":
        return Did("hangs", "waits for ever")
    if text == "same [silent]":
        return Did("silent-loss", "says nothing, takes it for a whole answer")
    if text == INTERRUPTED:
        return Did("raises", "says that it was interrupted")
    if text.startswith("again: "):
        why = text.removeprefix("again: ")
        return NOTHING_LEFT if whole and why == "no answer" else Did(*AGAIN[why])
    if text == "no words":
        return Did("wrong", "raises an error without the server's words")
    if text == "no error":
        return Did("wrong", "takes the failure for an answer")
    if error := re.match(r"error(?:\((library|driver)\): ?([\w.@/-]*))?", text):
        where, kind = error.groups()
        name = (kind or "").rpartition(".")[2]
        return Did("raises", RAISED.get(name, f"raises {name}") + " in the documented loop" * (where == "driver"))
    if wrong := re.fullmatch(r"wrong(?::([a-z]+))?( \[silent\])?", text):
        letters, silent = wrong[1], bool(wrong[2])
        if letters is not None:
            spoken = OF_THE_ANSWER if whole and EMPTY in letters else EMPTY
            letters = "".join(one for one in letters if one not in spoken)
        if letters is None:
            what = "part of the answer" if silent else "another answer"
        elif not (parts := [LETTERS[letter] for letter in letters if letter not in ignored]):
            return None
        else:
            what = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
        return Did("silent-loss" if silent else "wrong", "says nothing, " * silent + f"ends with {what}")
    raise ValueError(f"no such outcome: {text!r}")
