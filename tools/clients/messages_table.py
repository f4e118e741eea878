"""Writes streamlab/clients/messages.toml from what clients of the Messages API did on streams that show a rule.

    python tools/clients/messages_table.py            # writes the file
    python tools/clients/messages_table.py --check    # exit code 1 when it is not what the results say

``messages/DATE.json`` holds the results: twelve libraries and Claude Code, each served the streams of
``tests/messages.py`` byte for byte over a loopback socket. ``complete`` says whether the answer is on the wire at all:
where it is not, a client that raises or asks again does right. ``form`` is that of the rule's finding, or all of them:
then it cannot be said on which of them a client stumbled, and nobody is named.

Who is among the set-ups that `streamlab clients measure` asks was asked again since, about most of these forms: what it
did then counts, and this table tells of the others.
"""

from __future__ import annotations

import json
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import client_tables

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "streamlab" / "clients" / "messages.toml"
_HEAD = """\
# Which client of the Messages API does what on which deviation, as measured.
# Written by `python tools/clients/messages_table.py` from tools/clients/messages; never by hand.
# The fields are those of measured.toml.

api = "anthropic.messages"
"""
#: What the results call it -> the harm, how it is worded, and whether it is right where the answer is not on the wire.
_DID: dict[str, tuple[str, str, bool]] = {
    "exception": ("raises", "raises an error", True),
    "error": ("raises", "fails after several requests", False),
    "keeps retrying": ("hangs", "asks again and again", True),
    "asks again": ("raises", "asks again", True),
    "asks again, not streamed": ("raises", "throws the stream away and asks again without streaming", True),
    "half taken as whole": ("silent-loss", "takes half an answer as whole", False),
    "nothing": ("silent-loss", "says nothing, ends with nothing", False),
    "nothing (silent)": ("silent-loss", "says nothing, ends with nothing", False),
    "lost text or calls": ("silent-loss", "says nothing, loses text or a call", False),
    "other text or calls": ("wrong", "ends with other text or calls", False),
    "other status or usage": ("silent-loss", "says nothing, ends with another status or usage", False),
    "nothing of the error": ("silent-loss", "says nothing of the error", False),
    "lost text": ("silent-loss", "says nothing, loses text", False),
    "lost thinking": ("silent-loss", "says nothing, loses the thinking", False),
    "lost tool call": ("silent-loss", "says nothing, loses the call", False),
    "lost text+wrong tool input": ("wrong", "loses text and ends with other tool input", False),
    "wrong text": ("wrong", "ends with other text", False),
    "wrong thinking": ("wrong", "ends with other thinking", False),
    "wrong text+lost thinking": ("wrong", "ends with other text and without the thinking", False),
    "wrong text+wrong tool input": ("wrong", "ends with other text and other tool input", False),
    "wrong tool input": ("wrong", "ends with other tool input", False),
    "wrong tool name": ("wrong", "ends with another tool name", False),
    "extra tool call": ("wrong", "ends with a call too many", False),
    "tool call refused": ("wrong", "does not run the call", False),
}


#: Streams that show two rules: what clients mind in them is the other one's.
_OF_TWO = ("done-marker-no-stop",)
#: The gravest first: a client is named once for a form.
_HARMS = ("wrong", "silent-loss", "hangs", "raises")


def _did(text: str) -> tuple[str, str, bool]:
    if text.startswith("same, after"):
        return "hangs", "waits until the connection is closed", False
    return _DID[text]


def document(folder: str = "messages", head: str = _HEAD) -> str:
    """The whole file."""
    [latest] = sorted((HERE / folder).glob("*.json"))[-1:]
    results = json.loads(latest.read_text(encoding="utf-8"))
    lines = [head]
    for name, client in results["clients"].items():
        lines += [f'[clients."{name}"]', *(f'{key} = "{client[key]}"' for key in ("package", "version", "name")), ""]
    streams = results["streams"]
    for name in _OF_TWO:
        streams.pop(name, None)
    asked_again = set(_same().get(tomllib.loads(head)["api"], {}).values())
    for rule in sorted({one["rule"] for one in streams.values()}):
        own = {name: one for name, one in streams.items() if one["rule"] == rule and type(one["form"]) is str}
        own = {name: _rest(one, rule, asked_again, tomllib.loads(head)["api"]) for name, one in own.items()}
        own = {name: one for name, one in own.items() if one["clients"] > 0}
        for form in sorted({one["form"] for one in own.values()}):
            same = {name: one for name, one in own.items() if one["form"] == form}
            lines += [f"[[{rule}.asked]]", *_form(form), f"clients = {max(one['clients'] for one in same.values())}"]
            lines += [f"streams = {_list(same)}", f'date = "{results["date"]}"', ""]
        lines += _breaks(rule, own, results)
    return "\n".join(lines)


def _rest(one: dict[str, Any], rule: str, again: set[str], api: str) -> dict[str, Any]:
    """What a stream's results tell of clients that were not asked about its form again since."""
    known = _measured().get(rule, {}).get("asked", ())
    if not any((asked.get("api"), asked.get("form", "")) == (api, one["form"]) for asked in known):
        return one
    left = {client: did for client, did in one["outcomes"].items() if client not in again}
    return {**one, "outcomes": left, "clients": one["clients"] - len(again)}


@cache
def _measured() -> dict[str, Any]:
    """What the set-ups did when they were asked last."""
    return tomllib.loads((TARGET.parent / "measured.toml").read_text(encoding="utf-8"))


def _same() -> dict[str, dict[str, str]]:
    """By API: the set-ups, by their ids, and what they are called here."""
    known: dict[str, dict[str, str]] = tomllib.loads((TARGET.parent / "same.toml").read_text(encoding="utf-8"))
    return known


def _breaks(rule: str, own: dict[str, Any], results: dict[str, Any]) -> list[str]:
    """Who breaks, those together who do the same on the same form."""
    gravest: dict[tuple[str, str], tuple[int, str, dict[str, Any], str]] = {}
    for name, one in own.items():
        for client, text in one["outcomes"].items():
            harm, _how, right = _did(text)
            key = (client, one["form"])
            rank = _HARMS.index(harm)
            if (not right or one["complete"]) and (key not in gravest or rank < gravest[key][0]):
                gravest[key] = (rank, name, one, text)
    groups: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for (client, _form), (_rank, name, one, text) in gravest.items():
        harm, how, _right = _did(text)
        group = groups.setdefault((one["form"], harm, how), {"clients": [], "source": []})
        group["clients"] += [client] if client not in group["clients"] else []
        group["source"] += [name] if name not in group["source"] else []
    lines = []
    for (form, harm, how), group in groups.items():
        lines += [
            f"[[{rule}.breaks]]",
            *([f'forms = ["{form}"]'] if form else []),
            f'harm = "{harm}"',
            f'how = "{how}"',
        ]
        lines += [f"source = {_list(group['source'])}", f'date = "{results["date"]}"']
        order = [client for client in results["clients"] if client in group["clients"]]
        lines += [*(f'clients."{client}" = "{results["clients"][client]["version"]}"' for client in order), ""]
    return lines


def _form(form: str) -> list[str]:
    return [f'form = "{form}"', "apart = true"] if form else []


def _list(names: Any) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def main() -> int:
    """Write, or compare."""
    text = document()
    if "--check" in sys.argv:
        return 0 if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    client_tables.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
