"""Writes streamlab/clients/responses.toml from what clients of the Responses API did on streams that show a rule.

    python tools/clients/responses_table.py            # writes the file
    python tools/clients/responses_table.py --check    # exit code 1 when it is not what the results say

``responses/DATE.json`` holds the results: fourteen set-ups of libraries and Codex CLI, and opencode on some, each
served a stream over a loopback socket. The names are those of ``tests/responses.py``. ``complete`` says whether the
answer is on the wire at all: where it is not, a client that raises does right.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import client_tables
from messages_table import document

TARGET = Path(__file__).resolve().parents[2] / "streamlab" / "clients" / "responses.toml"
_HEAD = """\
# Which client of the Responses API does what on which deviation, as measured.
# Written by `python tools/clients/responses_table.py` from tools/clients/responses; never by hand.
# The fields are those of measured.toml.

api = "responses"
"""


def main() -> int:
    """Write, or compare."""
    text = document("responses", _HEAD)
    if "--check" in sys.argv:
        return 0 if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text else 1
    TARGET.write_text(text, encoding="utf-8")
    client_tables.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
