"""The tables that pages have from repaired.json, live.json and live_cases.json; docs/generate.py asks for them."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from pathlib import Path
from typing import Any

from streamlab.clients.setups import setups

HERE = Path(__file__).parent
_APIS = {"chat.completions": "chat", "responses": "Responses", "anthropic.messages": "Messages"}


def before_and_after() -> list[str]:
    """How every client ends on every case, before and after repair."""
    told = json.loads((HERE / "repaired.json").read_text(encoding="utf-8"))
    day = datetime.date.fromisoformat(told["measured"])
    rows = {name: _by_api(client) for name, client in told["clients"].items()}
    cells = sum((count for row in rows.values() for count in row.values()), Counter())
    worse = [one for one in told["streams"] if one.get("worse")]
    return [
        "## Is anybody worse off after repair?",
        "",
        f"{told['cases']} streams, hand-written scenarios and public reports rebuilt with our own bytes, were served "
        f"to {len(rows)} set-ups on {day.day} {day:%B %Y}, as they came and repaired, without `--unsafe` and with it "
        "where that gives other bytes (`tools/clients/repaired.py`). What a client held is measured against what the "
        "*same* client holds of the lawful stream beside the case, where there is one; whoever raises on a stream that "
        "stays broken is right. *Worse* is whoever was right and is no longer, raised and now ends with another answer "
        "without a word, or holds something wrong that was right before.",
        "",
        "| client | API | cells | right before | right after | better | worse |",
        "|---|---|--:|--:|--:|--:|--:|",
        *(_row(name, api, count) for name, row in rows.items() for api, count in row.items()),
        f"| **all** | | {cells['cells']} | {cells['right before']} | {cells['right after']} | {cells['better']} "
        f"| **{cells['worse']}** |",
        "",
        *_worse(worse),
    ]


def _by_api(client: dict[str, Any]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for name, count in client.items():
        if isinstance(count, dict):
            found.setdefault(name.partition(" ")[0], Counter()).update(count)
    return {api: found[api] for api in _APIS if api in found}


def _row(name: str, api: str, count: Counter[str]) -> str:
    shown = " | ".join(str(count[one]) for one in ("cells", "right before", "right after", "better", "worse"))
    return f"| {setups()[name].name} | {_APIS[api]} | {shown} |"


def _worse(streams: list[dict[str, Any]]) -> list[str]:
    if not streams:
        return ["Nobody is worse off anywhere.", ""]
    lines = ["Worse off:", ""]
    for one in streams:
        how = "`--unsafe`: " if one["repaired"] == "unsafe" else ""
        names = ", ".join(setups()[name].name for name in one["worse"])
        lines.append(f"* {how}`{one['case']}`: {names}")
    return [*lines, ""]


def live(client: str) -> str:
    """What a client showed live, in front of gateways with a fault."""
    told = json.loads((HERE / "live.json").read_text(encoding="utf-8"))[client]
    day = datetime.date.fromisoformat(told["date"])
    whole = next(iter(told["faults"].values()))["came"]["said"]
    rows = [
        f"| `{fault}` | {_seen(seen['came'], whole)} | {_seen(seen['repaired'], whole)} |"
        for fault, seen in told["faults"].items()
    ]
    head = [f"\n{told['version']}, {day.day} {day:%B %Y}:\n", "| fault | as it comes | through `--normalize` |"]
    return "\n".join([*head, "|---|---|---|", *rows, ""])


def _seen(seen: dict[str, Any], whole: str) -> str:
    said = seen["said"].replace("|", "\\|").replace("<", "&lt;")
    answer = "the answer" if said == whole else f"**{said or 'nothing'}**"
    asked = f"{seen['streamed']} streamed" + (f" + {seen['plain']} plain" if seen["plain"] else "")
    return f"{answer}; {asked}" + (f"; exit {seen['code']}" if seen["code"] else "")


def live_cases(client: str) -> str:
    """What a client held of recorded streams, as they came and through the recorder."""
    told = json.loads((HERE / "live_cases.json").read_text(encoding="utf-8"))[client]
    day = datetime.date.fromisoformat(told["date"])
    cases = told["cases"]
    hurt = {name: one for name, one in cases.items() if "came" in one}
    left = [name for name, one in cases.items() if "repaired" in one or "lawful repaired" in one]
    rows = [f"| `{name}` | {_held(one['came'], one['lawful'])} | {_after(one)} |" for name, one in hurt.items()]
    return "\n".join(
        [
            f"\n{told['version']}, {day.day} {day:%B %Y}: of {len(cases)} streams it held "
            f"{len(cases) - len(hurt)} as the lawful one beside it, through `record --normalize` "
            f"{len(cases) - len(left)}. The others:\n",
            "| deviation | what it holds of it as it comes | through `--normalize` |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _after(case: dict[str, Any]) -> str:
    return _held(case["repaired"], case["lawful"]) if "repaired" in case else "as of the lawful stream"


def _held(seen: dict[str, Any], lawful: dict[str, Any]) -> str:
    """What differs from what it holds of the lawful stream."""
    if seen["blocks"] == lawful["blocks"]:
        said = ["the same"]
    else:
        said = [_block(one) for one in seen["blocks"] if one not in lawful["blocks"]]
        said += [f"no {_block(one)}" for one in lawful["blocks"] if one not in seen["blocks"]]
        said += [f"{count} times {_block(one)}" for one, count in _repeated(seen["blocks"])]
    said += [f"**{seen['error']}**"] if seen["error"] else []
    asked = f"{seen['streamed']} streamed" + (f" + {seen['plain']} plain" if seen["plain"] else "")
    return "; ".join([*said, asked]).replace("|", "\\|").replace("<", "&lt;")


def _block(block: list[str]) -> str:
    match block:
        case ["call", name, given]:
            return f"call `{name}({given})`"
        case [kind, words]:
            return f"{kind} “{words}”"
    return " ".join(block)


def _repeated(blocks: list[list[str]]) -> list[tuple[list[str], int]]:
    counts = Counter(map(tuple, blocks))
    return [(list(one), count) for one, count in counts.items() if count > 1]
