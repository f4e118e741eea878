"""The tables that pages have from repaired.json and live.json; docs/generate.py asks for them."""

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
