"""Which texts of an answer a chunk adds to."""

from __future__ import annotations

from typing import NamedTuple

from streamlab.wire import reading
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

#: Facts of the chunks that add to one.
TEXTS = Fact.CONTENT | Fact.TEXT | Fact.REASONING

#: Which text it is: of a choice (None where the API has none), its ``content`` or its ``reasoning``.
TextKey = tuple[int | None, str]


class TextPiece(NamedTuple):
    """What a chunk adds to a text, and the path of it."""

    key: TextKey
    text: str
    path: str


def first_index(chunk: JsonObject) -> int:
    """The index of the first choice; 0 where there is none."""
    listed = chunk.get("choices")
    first = listed[0] if type(listed) is list and listed else None
    index = first.get("index") if type(first) is dict else None
    return index if type(index) is int else 0


def text_pieces(chunk: JsonObject, facts: int) -> list[TextPiece]:
    """What a chunk with these facts adds to texts: strings only, and none that is empty."""
    if "choices" not in chunk:
        text = chunk.get("delta")
        kind = "reasoning" if facts & Fact.REASONING else "content"
        return [TextPiece((None, kind), text, "delta")] if type(text) is str and text else []
    found = []
    for position, choice in enumerate(reading.choices(chunk)):
        index, delta = reading.choice_index(choice), reading.delta(choice)
        spot = f"choices[{position}]"
        if text := reading.content(delta):
            found.append(TextPiece((index, "content"), text, f"{spot}.delta.content"))
        elif type(choice.get("text")) is str and choice["text"] and type(choice.get("delta")) is not dict:
            found.append(TextPiece((index, "content"), choice["text"], f"{spot}.text"))
        for member in reading.REASONING_KEYS:
            thought = delta.get(member)
            if type(thought) is str and thought:
                found.append(TextPiece((index, "reasoning"), thought, f"{spot}.delta.{member}"))
                break
    return found
