"""Makes ``streamlab/clients/tables.jsonl``: what the tables of clients say, so that a command need not read TOML."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from streamlab.clients import table


def text(folder: Path) -> str:
    """A line for each table and value at the top of each file: the file, the name, and its JSON."""
    return "".join(_line(file, name, value) for file in table.SOURCES for name, value in _parsed(folder / file).items())


def _parsed(file: Path) -> dict[str, object]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _line(file: str, name: str, value: object) -> str:
    return f"{file}\t{name}\t{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n"
