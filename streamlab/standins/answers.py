"""What the stand-ins answer: a small deterministic speaker that takes the place of a language model.

It answers a handful of prompts in English and Chinese, repeats on request (``Repeat exactly: …`` or ``请复述：…``), and
calls the tools it is given when asked about the weather or told to call one. The same request gets the same reply.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from streamlab.standins.plain_http import JsonObject

#: (words of a prompt, the answer). The first entry whose words occur in the last user message is used.
ANSWERS: tuple[tuple[str, str], ...] = (
    ("sea salty", "Rivers carry dissolved minerals to the sea, and only the water ever leaves again."),
    ("海水为什么咸", "河流把溶解的矿物质带进大海，而离开海面的只有水汽。"),
    ("sleep better", "Good sleep starts in the evening.\n\n1. Keep the same hours.\n2. Leave the phone outside."),
    ("整理书桌", "整理书桌并不难，先从小处开始。\n\n一、只留今天要用的书；\n二、收工前擦干净桌面。"),
    ("two lines", "Hi\nHere is the second line, as promised."),
    ("分两行", "好的\n这是答应过的第二行。"),
    ("7 a prime", "Yes."),
    ("三加四", "7"),
    ("read a key", "Wrap the lookup in a helper such as get_or_default().\nIt is your own.\n\nCallers stay short."),
    ("count to six", "One, two, three, four, five, six."),
    ("数到六", "一、二、三、四、五、六。"),
)
CITIES = ("Lisbon", "Oslo", "Nairobi", "Lima", "杭州", "成都", "大理")
_REPEAT = re.compile(r"(?:Repeat exactly:|请复述：)\s*(.+)", re.DOTALL)
_TOOL_WORDS = re.compile(r"weather|天气|call the tool|use the tool|调用工具", re.IGNORECASE)
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_TOKEN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]{1,2}|[ ]?[A-Za-z_]+|[ ]?[0-9]{1,3}|\n+|\s|[^\w\s]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call the speaker wants made; ``arguments`` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Either text or tool calls."""

    text: str = ""
    tools: tuple[ToolUse, ...] = ()


def tokens(text: str) -> list[str]:
    """Cuts a text into pieces of about a token; joined, they are the text again."""
    return _TOKEN.findall(text)


def tidied(body: JsonObject) -> JsonObject:
    """A chat request without the parts that are not what they should be, so that nothing after it needs to look."""
    tidy = {name: value for name, value in body.items() if name not in _TYPES or isinstance(value, _TYPES[name])}
    tidy["model"] = str(body.get("model") or "")
    tidy["messages"] = [_tidied_message(one) for one in objects(body.get("messages"))]
    tidy["tools"] = [function for function in map(_function, objects(body.get("tools"))) if function]
    choice = tidy.get("tool_choice")
    if isinstance(choice, dict) and not isinstance(choice.get("function"), dict):
        del tidy["tool_choice"]
    return tidy


_TYPES: dict[str, type | tuple[type, ...]] = {
    "tool_choice": (str, dict),
    "response_format": dict,
    "stream_options": dict,
    "stop": (str, list),
    "n": int,
    "max_tokens": int,
    "max_completion_tokens": int,
    "top_logprobs": int,
}


def objects(value: Any) -> list[JsonObject]:
    """The JSON objects of a list; none of what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _tidied_message(message: JsonObject) -> JsonObject:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in objects(content))
    return {"role": message.get("role"), "content": content if isinstance(content, str) else ""}


def _function(tool: JsonObject) -> JsonObject | None:
    """A tool as ``{"name", "parameters"}``; ChatGLM3's bare form, without the ``function`` wrapper, is read as well."""
    function = tool.get("function", tool)
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return None
    return {"name": function["name"], "parameters": function.get("parameters")}


def speak(body: JsonObject) -> Reply:
    """The reply to a chat request that is `tidied`."""
    last = body["messages"][-1] if body["messages"] else {"role": "user", "content": ""}
    prompt = last["content"]
    if last["role"] == "tool":
        return Reply(text=_report(prompt, body))
    if body["tools"] and _wants_tool(body, prompt):
        return Reply(tools=_calls(body["tools"], body, prompt))
    return Reply(text=_structured(body) or _answer(prompt))


def _answer(prompt: str) -> str:
    repeat = _REPEAT.search(prompt)
    if repeat:
        return repeat.group(1)
    for words, answer in ANSWERS:
        if words.lower() in prompt.lower():
            return answer
    if _CJK.search(prompt):
        return "问题收到了，这里是一个固定不变的回答。"
    return "Your question has arrived, and this is the same answer it always gets."


def _report(result: str, body: JsonObject) -> str:
    chinese = any(_CJK.search(message["content"]) for message in body["messages"])
    return f"工具返回：{result}" if chinese else f"The tool says: {result}"


def _wants_tool(body: JsonObject, prompt: str) -> bool:
    choice = body.get("tool_choice", "auto")
    if choice == "none":
        return False
    return choice == "required" or isinstance(choice, dict) or bool(_TOOL_WORDS.search(prompt))


def _calls(tools: list[JsonObject], body: JsonObject, prompt: str) -> tuple[ToolUse, ...]:
    choice = body.get("tool_choice")
    named = choice["function"].get("name") if isinstance(choice, dict) else None
    weather = (tool for tool in tools if "weather" in tool["name"])
    tool = next((tool for tool in tools if tool["name"] == named), None) or next(weather, tools[0])
    cities = [city for city in CITIES if city in prompt] or [CITIES[0]]
    if body.get("parallel_tool_calls") is False:
        cities = cities[:1]
    return tuple(ToolUse(tool["name"], _json(sample(tool["parameters"], city))) for city in cities)


def _structured(body: JsonObject) -> str | None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_object":
        return _json({"answer": "steady", "sure": True})
    described = wanted.get("json_schema")
    if wanted.get("type") == "json_schema" and isinstance(described, dict):
        return _json(sample(described.get("schema"), CITIES[0]))
    return None


def sample(schema: Any, word: str) -> Any:
    """A value that a JSON schema allows; strings without an enum become ``word``. An odd schema allows anything."""
    if not isinstance(schema, dict):
        return {}
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = str(schema.get("type", "object"))
    if kind == "object":
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        wanted = schema.get("required")
        names = [name for name in wanted if isinstance(name, str)] if isinstance(wanted, list) else list(properties)
        return {name: sample(properties.get(name, {"type": "string"}), word) for name in names}
    if kind == "array":
        return [sample(schema.get("items", {"type": "string"}), word)]
    plain: dict[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "null": None}
    return plain.get(kind, word)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
