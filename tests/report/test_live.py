"""What `record` draws on a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streamlab.exchange import Ending
from streamlab.report.live import LiveTable
from streamlab.report.unblocked import Unblocked


def _finished(number: int) -> Any:
    url = "http://127.0.0.1:8000/v1/chat/completions"
    return SimpleNamespace(
        id=number, method="POST", url=url, tap=None, events=8, body_bytes=1583, first_us=36_000, end_us=140_000,
        ending=Ending.UPSTREAM_CUT, notes={"ending_reason": "rst"}, status=200,
    )  # fmt: skip


@pytest.mark.parametrize("columns", [80, 200])
def test_each_finding_and_its_command_stand_whole_and_the_newest_have_the_room(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COLUMNS", str(columns)), ("LINES", "24"), ("TERM", "xterm"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    said = "error plain-text-in-data and 6 more: streamlab check {0} --db /var/{0}.db"
    with (tmp_path / "terminal").open("w") as stream:
        table = LiveTable(Unblocked(stream))
        for number in range(1, 26):
            table.changed(_finished(number))
            table.told(number, [f"{number}  {said.format(number)}"])
        table.tick()
        drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", (tmp_path / "terminal").read_text()).splitlines()
        table.close()
    assert max(map(len, drawn)) <= columns
    assert len(drawn) == 24, "what does not fit is left out above, and none of it below"
    assert [line.rstrip() for line in drawn[-11:]] == [f"{number}  {said.format(number)}" for number in range(15, 26)]
    assert [line.partition("compl")[0] for line in drawn[2:13]] == [f"{n}  POST /v1/chat/" for n in range(15, 26)]
    assert "upstream-cut (rst)" in drawn[12]
