"""Reasoning that a model wrote into its text: by which tags it is told.

People talk about the tags too. So a tag that opens reasoning counts only where the text begins with it, and one that
ends it only where nothing else can be meant.
"""

from __future__ import annotations

from streamlab.lazy_pattern import lazy_pattern

#: What opens reasoning, as models and their templates write it, and what ends it.
_PAIRS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "<mm:think>": "</mm:think>",
    "<longcat_think>": "</longcat_think>",
    "<antThinking>": "</antThinking>",
    "<|think|>": "<|/think|>",
    "<|channel>thought": "<channel|>",
    "<|channel|>analysis": "<|end|>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
}
OPENING = tuple(_PAIRS)
#: Those that a text may hold alone, their opening being in the prompt; what else ends reasoning ends a message as well.
_ENDING = tuple(end for end in _PAIRS.values() if end != "<|end|>")
_END = lazy_pattern(
    r"</(?:seed:|mm:|longcat_)?think>|</(?:antT|t)hinking>|</thought>|</reasoning>|<\|/think\|>|<channel\|>"
    r"|<\|END_THINKING\|>|<\|end_of_thought\|>|\[/THINK\]|◁/think▷"
)
_SENTENCE = (".", "!", "?", "\n", "。", "！", "？")
_QUOTES = ("`", "'", '"')


def opens_thought(text: str) -> str | None:
    """The tag with which a text begins that opens reasoning; None where it begins otherwise."""
    start = text.lstrip()[:24]
    return next((tag for tag in OPENING if start.startswith(tag)), None)


def thought_in(text: str, tag: str) -> tuple[str, bool]:
    """What the tag holds with which a text begins, and whether it ends."""
    held, end, _ = text.lstrip()[len(tag) :].partition(_PAIRS[tag])
    return held.strip(), bool(end)


def ends_thought(text: str) -> str | None:
    """The tag by which reasoning ends in a text that has no beginning of it, on its own: not as what people talk about.

    A text that begins with it has lost the reasoning before it and kept the tag.
    """
    match = _END.search(text) if "<" in text or "/" in text else None  # every tag has one of them
    if match is None:
        return None
    tag, before, after = match.group(), text[: match.start()], text[match.end() :]
    if not before.strip():
        return tag
    opening = next(opening for opening, end in _PAIRS.items() if end == tag)
    quoted = before[-1:] in _QUOTES or after[:1] in _QUOTES or before.count("```") % 2
    alone = after[:1] in ("", "\n") or before.rstrip(" ")[-1:] in _SENTENCE
    return tag if alone and not quoted and opening.rstrip(">]") not in text else None


def tags_around(reasoning: str) -> bool:
    """Whether reasoning begins or ends with the tag by which the model parts it from its answer."""
    stripped = reasoning.strip()
    return stripped.startswith(OPENING) or stripped.endswith(_ENDING)
