"""Writes streamlab/clients/tables.jsonl: what the tables of clients say, so that a command need not read TOML.

Whoever writes one of the tables writes it, too, and so does ``make docs``.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from streamlab.clients import table

TARGET = Path(__file__).resolve().parents[2] / "streamlab" / "clients" / "tables.jsonl"


def text() -> str:
    """A line for each table and value at the top of each file: the file, the name, and its JSON."""
    files = {file: TARGET.with_name(file).read_text(encoding="utf-8") for file in table.SOURCES}
    return "".join(
        _line(file, name, value) for file, written in files.items() for name, value in tomllib.loads(written).items()
    )


def write() -> None:
    """Write it anew."""
    TARGET.write_text(text(), encoding="utf-8")


def _line(file: str, name: str, value: object) -> str:
    return f"{file}\t{name}\t{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n"
