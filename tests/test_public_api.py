"""The public names: lazy, complete, and the page about them runs."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path

import httpx
import pytest

import streamlab
from streamlab.storage.exchange_dir import write_exchange_dir
from tests import streams

ROOT = Path(__file__).parents[1]


def test_every_public_name_resolves():
    for name in streamlab.__all__:
        assert getattr(streamlab, name) is not None
    assert set(streamlab.__all__) <= set(dir(streamlab))


def test_load_analyze_normalize_and_replay_work_together(tmp_path):
    body = streams.sse([{**one, "id": ""} for one in streams.chat_text()])
    write_exchange_dir(streams.exchange(body), tmp_path / "x")
    ((source, exchange),) = streamlab.load(tmp_path / "x")
    assert source == str(tmp_path / "x")
    assert "chunk-id-missing-or-empty" in [one.rule for one in streamlab.analyze(exchange).findings]
    repaired = streamlab.normalize(exchange)
    assert streamlab.analyze(repaired.exchange).findings == ()
    with streamlab.replay(tmp_path / "x") as server:
        answer = httpx.post(f"{server.url}/@x/v1/chat/completions", json={})
    assert answer.content == body


@pytest.mark.parametrize("name", ["glm4-newline", "glm4-tool-ids", "openai-plain"])
def test_what_is_said_is_itself_in_another_process(name):
    ((_, exchange),) = streamlab.load(ROOT / "captures" / name)
    for said in (streamlab.analyze(exchange), streamlab.normalize(exchange)):
        assert pickle.loads(pickle.dumps(said)) == copy.deepcopy(said) == said


def test_the_page_about_python_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, "docs/python.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "plain-text-in-data" in printed
    assert "http://127.0.0.1:" in printed
