"""Calls that a model wrote into the text, in the markup of its training: found, and read where they are whole."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from streamlab.wire.leaks import leaked_call
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

#: The markup in which models write calls: Claude's own, Hermes' and Llama's.
MARKUP: Final = re.compile(
    r"<(?:antml:)?invoke name=\"([^\"<>]{1,200})\">"
    r"|<(?:antml:)?function_calls>\s*<"
    r"|<tool_call>\s*(?:\{\s*\"name\":\s*\"([^\"]{1,200})\"|[<{])"
    r"|<function=([^<>]{1,200})>"
)
#: How such markup may begin.
OPENERS: Final = (
    "<invoke name=",
    "<invoke name=",
    "<function_calls>",
    "<function_calls>",
    "<tool_call>",
    "<function=",
)
_INVOKE = re.compile(
    r"<(?:antml:)?invoke name=\"(?P<name>[^\"<>]{1,200})\">(?P<inside>.*?)</(?:antml:)?invoke>", re.DOTALL
)
_PARAMETER = re.compile(
    r"<(?:antml:)?parameter name=\"(?P<name>[^\"<>]{1,200})\">(?P<value>.*?)</(?:antml:)?parameter>", re.DOTALL
)
_NAMED = re.compile(r"<function=(?P<name>[^<>]{1,200})>(?P<inside>\s*\{.*?\}\s*)</function>", re.DOTALL)
_JSON = re.compile(r"<tool_call>(?P<inside>\s*\{.*?\}\s*)</tool_call>", re.DOTALL)
_AROUND = re.compile(r"</?(?:antml:)?function_calls>|</?tool_call>")

Calls = list[tuple[str, JsonObject]]


def found_in(text: str) -> re.Match[str] | None:
    """Where the text holds a call; None where it holds none, or quotes it as code."""
    match = MARKUP.search(text)
    return None if match is None or _is_code(text, match.start()) else match


def other_markup(text: str, tools: frozenset[str] | None) -> int | None:
    """Where the text holds a call in the markup of another model, beside the name of an offered tool."""
    leaked = leaked_call(text, tools) if tools else None
    at = text.find(leaked) if leaked is not None else -1
    return None if at < 0 or _is_code(text, at) else at


def _is_code(text: str, at: int) -> bool:
    return bool(text.count("```", 0, at) % 2) or text[:at].endswith("`")


def calls_in(text: str, body: JsonObject) -> tuple[str, Calls]:
    """The text before the markup, and the calls in it; none unless all the rest is whole calls of offered tools."""
    match = found_in(text)
    schemas = {tool["name"]: as_object(tool.get("input_schema")) for tool in _tools(body)}
    if match is None or not schemas:
        return text, []
    rest, calls = text[match.start() :], []
    pattern = _INVOKE if "invoke name=" in rest else _NAMED if "<function=" in rest else _JSON
    for one in pattern.finditer(rest):
        call = _call(one, schemas)
        if call is None:
            return text, []
        calls.append(call)
    left = _AROUND.sub("", pattern.sub("", rest))
    return (text[: match.start()], calls) if calls and not left.strip() else (text, [])


def _tools(body: JsonObject) -> list[JsonObject]:
    return [tool for tool in as_list(body.get("tools")) if type(tool) is dict and type(tool.get("name")) is str]


def _call(match: re.Match[str], schemas: dict[str, JsonObject]) -> tuple[str, JsonObject] | None:
    named = match.groupdict().get("name")
    if match.re is _INVOKE:
        inside = match["inside"]
        if named not in schemas or _PARAMETER.sub("", inside).strip():
            return None
        types = as_object(schemas[named].get("properties"))
        values = {one["name"]: _typed(one["value"], types.get(one["name"])) for one in _PARAMETER.finditer(inside)}
        return named, values
    value = as_object(_parsed(match["inside"]))
    name = named or value.get("name")
    arguments = value if named else value.get("arguments", value.get("parameters"))
    return (name, arguments) if name in schemas and type(arguments) is dict else None


def _typed(text: str, schema: Any) -> Any:
    """A parameter as its schema has it: text stays text, anything else was written as JSON."""
    kind = as_object(schema).get("type")
    if kind in ("string", None):
        return text
    value = _parsed(text)
    return text if value is None else value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def may_begin(text: str) -> bool:
    """Whether a call begins in the text, or may with what comes next."""
    at = text.find("<")
    while at >= 0:
        if any(text.startswith(opener, at) or opener.startswith(text[at:]) for opener in OPENERS):
            return True
        at = text.find("<", at + 1)
    return False
