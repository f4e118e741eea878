"""Calls, and tokens of the model, that leaked into a text: by which markers and forms they are told.

People talk about markers too. So a marker counts only with the name of a tool that the request offers beside it, and
a form without a marker (bare JSON, ``name(argument="…")``) only where it is the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import as_object

#: Markers that open a call, as models and their templates write them: those that begin with a sign, which a search goes
#: to at once, and those that are words.
_SIGNS = (
    r"<tool_call>|<\|tool_call>|</?tool_calls?>|<\|tool_calls?_?(?:section_)?(?:begin|start)?\|>|<\|tool▁call|<｜tool▁calls?▁begin｜>"
    r"|<｜DSML｜|\[TOOL_CALLS\]|<function=|<function_calls?>|<\|python_tag\|>|<minimax:tool_call>|\]<\]minimax\[>\["
    r"|<(?:antml:)?invoke name=|<\|action_start\|>|✿FUNCTION✿|<start_function_call>|<TOOLCALL>"
    r"|<steptml:invoke|<seed:tool_call>|<longcat_tool_call>|<\|START_ACTION\|>|<\|tools_prefix\|>|```tool_code\b"
    r"|<\|channel\|>\s*commentary\b|<\|start\|>assistant\s+to=|<\|python_start\|>|<xai:function_call"
)
_WORDS = r"functools\[|assistant\s*commentary\b|\bcommentary to="
_ALL_OPENING, _SIGNS_OPENING = lazy_pattern(f"{_SIGNS}|{_WORDS}"), lazy_pattern(_SIGNS)


def _openings(text: str, start: int = 0) -> Iterator[re.Match[str]]:
    """The markers that open a call in a text."""
    words = "functools[" in text or "commentary" in text
    return (_ALL_OPENING if words else _SIGNS_OPENING).finditer(text, start)


#: Markers that follow the name of a tool.
_INNER = lazy_pattern(r"\[ARGS\]|<arg_key>|<\|tool_call_argument_begin\|>|<｜tool▁sep｜>|<\|constrain\|>")
#: What closes a call, where the opening was lost.
_CLOSING = lazy_pattern(
    r"</tool_calls?>|<tool_call\|>|</function_calls?>|<\|tool_calls?_(?:section_)?end\|>|<｜tool▁calls?▁end｜>|<\|call\|>"
    r"|</(?:antml:)?invoke>|</minimax:tool_call>|<end_function_call>|</TOOLCALL>|</longcat_tool_call>|<\|END_ACTION\|>"
    r"|</steptml:invoke>|</seed:tool_call>|<\|python_end\|>|</xai:function_call>|<\|action_end\|>|<\|/tool_call\|>|<\|tools_suffix\|>|</function>|```\s*\Z"
)
#: A tag that models use when they think about how to call, whatever their template writes.
_TALKED_ABOUT = "<function_call"
_REACH, _BEHIND, _LONGEST = 400, 80, 8_192
#: Characters of a markup that are shown.
SHOWN = 80


def leaked_call(text: str, names: frozenset[str]) -> str | None:
    """The markup of a tool call inside a text, shortened: a known marker shortly followed by the name of a tool.

    The name is asked for because people do talk about the markers; few talk about them with their own tool's name.
    """
    for marker in _openings(text):
        reach = text[marker.start() : marker.end() + _REACH]
        if _names_one(reach, names):
            return reach[:SHOWN]
    for marker in _INNER.finditer(text):
        start = max(0, marker.start() - _BEHIND)
        if _names_one(text[start : marker.start()], names):
            return text[start : marker.end()][:SHOWN]
    return None


def whole_call(text: str, names: frozenset[str]) -> str | None:
    """The markup of a call with which a text ends, closed and all: more than talk about a marker."""
    for marker in _openings(text, max(0, len(text) - _LONGEST)):
        body = text[marker.end() :]
        if marker.group().startswith(_TALKED_ABOUT) or not _names_one(body[:_REACH], names):
            continue
        closed = [match for match in _CLOSING.finditer(body) if not body[match.end() :].strip("\n <|>")]
        if closed and "\n\n" not in body:
            return text[marker.start() :][:SHOWN]
    return None


def bare_call(text: str, names: frozenset[str]) -> str | None:
    """A whole text that is nothing but a call without any marker: JSON that names a tool and its arguments, between
    fences or with its quotes escaped, too; the call as Python; or the name and a JSON object."""
    stripped = text.strip()
    if not stripped or len(stripped) > 65_536:
        return None
    written = stripped
    if stripped.startswith("```") and stripped.endswith("```"):
        written = stripped[3:-3].removeprefix("json").strip()
    if written[:1] in ("{", "[", '"'):
        value = _value_of(written)
        if value is not None:
            return stripped[:SHOWN] if _is_call(value, names) else None
    name, arguments = _NAME.match(stripped), ""
    if name is None or name.group(1) not in names:
        return None
    arguments = stripped[name.end() :]
    if _PYTHON.fullmatch(arguments) or (arguments[:1] in "\n{" and _is_object(arguments)):
        return stripped[:SHOWN]
    return None


def _value_of(text: str) -> Any:
    """The JSON of a text, whose quotes may be escaped once, as the inside of a string has them; None for no JSON."""
    payload = decode_payload(text.encode("utf-8", "surrogatepass"))
    if not payload.ok and _ESCAPED.match(text):
        payload = decode_payload(f'"{text}"'.encode("utf-8", "surrogatepass"))
    if payload.ok and not payload.faults and type(payload.value) is str:
        payload = decode_payload(payload.value.encode("utf-8", "surrogatepass"))
    return payload.value if payload.ok and not payload.faults else None


_ESCAPED = lazy_pattern(r'[\[{\s]*\{\s*\\"')
#: ``name``, perhaps in the list that Llama writes, or with the prefix of harmony.
_NAME = lazy_pattern(r"\[?(?:functions\.)?([\w.-]{1,128})(?=[(\n{])")
#: Arguments by keyword, nested brackets aside, and more calls behind.
_PYTHON = lazy_pattern(r"\((?:\s*\w+\s*=[^()]*)?\)(?:\s*,\s*[\w.-]+\([^()]*\))*\s*\]?")
_NAMED = ("name", "tool_name", "recipient_name", "function")
_ARGUMENTS = ("arguments", "parameters", "input", "args", "kwargs")


def _is_call(value: Any, names: frozenset[str]) -> bool:
    if type(value) is list:
        return bool(value) and all(type(one) is dict and _is_call(one, names) for one in value)
    for key in ("tool_calls", "tool_uses", "function_call", "function"):
        inside = as_object(value).get(key)
        if inside and type(inside) in (dict, list):
            return _is_call(inside, names)
    told = as_object(value)
    name = next((told[key] for key in _NAMED if type(told.get(key)) is str), "")
    return name.removeprefix("functions.") in names and any(key in told for key in _ARGUMENTS)


def _is_object(text: str) -> bool:
    payload = decode_payload(text.strip().encode("utf-8", "surrogatepass"))
    return payload.ok and not payload.faults and type(payload.value) is dict


def _names_one(text: str, names: frozenset[str]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names)


#: The frame of a message in OpenAI's harmony format, at the beginning of a text: nobody begins to talk like this.
_HARMONY = lazy_pattern(
    r"\s*(?:(?:<\|start\|>\w*\s*(?:to=\S+)?)?<\|channel\|>\s*(?:analysis|commentary|final)\b|<\|start\|>assistant\b"
    r"|assistant(?:analysis|commentary|final)(?=[A-Z<\s])|(?:analysis|commentary|final)<\|message\|>)"
)
#: What such a frame begins with.
_BEGINNINGS = ("<|", "assistant", "analysis", "commentary", "final")
#: Tokens that end a turn. At the end of a text they are no talk about them.
_END = lazy_pattern(
    r"(?:<\|(?:im_end|im_start|im_sep|eot_id|eom_id|endoftext|endofprompt|end|return|call|eot|END_OF_TURN_TOKEN"
    r"|END_RESPONSE|end_of_turn|assistant|user|observation)\|>|</s>|<end_of_turn>|<turn\|>|<｜end▁of▁sentence｜>|<eos>"
    r"|\[EOS\]|\[/INST\]|<\[?\|?EOS\|?\]?>|\[e~\[|<pad>|<unk>)+\s*\Z"
)
_SPECIAL = lazy_pattern(r"<\|[^|<>]{0,40}\|>|</?[a-z_]*(?:tool|function|invoke|arg|param)[\w=:]*>|\[/?[A-Z_]{3,}\]")
#: No name has these: the parser cut elsewhere.
_NO_NAME = lazy_pattern(r"[\n\r{}\"<>()=]")
#: Gemma 4 quotes strings by a token, whole or torn, which then ends a string of the arguments.
_QUOTE_TOKEN = lazy_pattern(r"<\|\\?\"\|>|<\|(?=\"\s*[,}\]])|<escape>(?=\"\s*[,}\]])")
#: What closes a call or a parameter, at the end of a string of the arguments.
_CLOSED_IN_STRING = lazy_pattern(
    r"(?:</(?:parameter|tool_call|function|invoke|arg_value)>|<\|(?:tool_call_end|call|im_end|eot_id|end)\|>)"
    r"(?:\\n|\s)*(?=\"\s*[,}\]])"
)


def markup_in_text(text: str) -> tuple[str, str] | None:
    """Where a text has the model's own markup (``begins with`` or ``ends in``), and the markup; None without any."""
    match = _HARMONY.match(text) if text.lstrip().startswith(_BEGINNINGS) else None
    if match is not None:
        return "begins with", match.group().strip()
    match = _END.search(text, max(0, len(text) - 200)) if text.rstrip().endswith((">", "]", "[")) else None
    if match is not None and match.start() and text[match.start() - 1] not in "`'\"":
        return "ends in", match.group().strip()
    return None


def scrap_at_end(text: str) -> str | None:
    """What opens or closes a call, where a text ends in it; None where it does not, or quotes it."""
    start = max(0, len(text) - 200)
    for form in (_ALL_OPENING, _CLOSING):
        for match in form.finditer(text, start):
            quoted = text[max(0, match.start() - 1) : match.start()] in ("`", "'", '"') or match.group().startswith("`")
            if not text[match.end() :].strip() and not quoted:
                return match.group()
    return None


def markup_in_name(name: str) -> bool:
    """Whether the name of a call holds what no name has."""
    return _SPECIAL.search(name) is not None or _NO_NAME.search(name) is not None


def markup_in_arguments(arguments: str) -> str | None:
    """The end of a string of the arguments that a token of the model, or the end of a call in markup, stands in."""
    match = _QUOTE_TOKEN.search(arguments) or _CLOSED_IN_STRING.search(arguments)
    return None if match is None else arguments[max(0, match.start() - 30) : match.end()]
