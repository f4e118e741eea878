"""No block of README and docs is left out silently: each is run here or by a test that is named, or it says why not."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from streamlab import cli
from streamlab.config import Config, load_config
from streamlab.exchange import Ending
from streamlab.servers.replay import Timing
from streamlab.workflows import fuzz, shrink
from streamlab.workflows.regression import replayed
from streamlab.workflows.trial import Outcome
from tests import streams
from tests.test_documented_commands import COMMANDS, PAGES, ROOT, blocks, commands_in, fenced, prepared, words_of

__all__ = ["prepared"]  # the folder that the pages speak of

#: Lines for a shell that are not our commands, by how they begin: which test runs them, or why none does.
ELSEWHERE = {
    "make demo": "CI of the wheel (tools/try_wheel.sh) and tests/test_demo.py run what it calls",
    "make test": "is this",
    ". .venv/bin/activate": "tests/test_documented_commands.py, the walk",
    "pytest my-fixtures": "tests/test_documented_commands.py, the walk",
    "pip install '.[fleet]'": "needs the package index; the extra is looked for here",
    "pytest fixtures --streamlab-normalizer mine:normalize": "tests/test_documented_normalizers.py",
    "pytest fixtures --streamlab-gateway": "tests/test_documented_normalizers.py",
    "LITELLM_LOCAL_MODEL_COST_MAP=True pytest fixtures": "needs litellm, which is no dependency",
}
#: Blocks of Python, by page: which test runs each, or why none does.
PYTHON = {
    "python.md": ["tests/test_public_api.py"],
    "normalizer.md": ["here"],
    "faults.md": ["here"],
    "test-your-normalizer.md": [
        "tests/test_documented_normalizers.py",
        "needs litellm, which is no dependency",
        "here",
    ],
}
#: What blocks of other languages are.
OTHERS = {
    "": "commands, looked for by tests/test_documented_commands.py, and what they print",
    "text": "the same",
    "yaml": "the same, and the settings of litellm's proxy",
    "ini": "the same",
    "diff": "generated from the fixtures, which are run",
    "toml": "read here",
    "js": "tests/test_documented_normalizers.py",
}


def test_no_line_for_a_shell_is_left_out():
    used = set()
    for page, block in blocks("sh", "bash", "console"):
        for line in block.replace("\\\n", " ").splitlines():
            if not line.strip() or line.startswith("  "):  # what is indented is what a command prints
                continue
            if ours := commands_in(line):
                assert ours[0] in COMMANDS
                continue
            begin = next((one for one in ELSEWHERE if line.startswith(one)), None)
            assert begin, f"{page.name}: nobody runs {line!r}"
            used.add(begin)
    assert used == set(ELSEWHERE)


def test_each_block_of_another_language_is_accounted_for():
    there = {name for page in PAGES for name, _ in fenced(page)}
    assert there - {"sh", "console", "python"} == set(OTHERS)
    for page in PAGES:
        text = page.read_text("utf-8")
        assert 2 * len(fenced(page)) == len(re.findall("^ *```", text, re.MULTILINE)), page
    pages = [page.name for page, _ in blocks("python")]
    assert {name: pages.count(name) for name in pages} == {name: len(held) for name, held in PYTHON.items()}
    for told in (*ELSEWHERE.values(), *OTHERS.values(), *(one for held in PYTHON.values() for one in held)):
        for name in re.findall(r"tests/\w+\.py", told):
            assert (ROOT / name).is_file(), name


def _python(name: str) -> str:
    """The block of a page that is run here."""
    at = PYTHON[name].index("here")
    return [text for page, text in blocks("python") if page.name == name][at]


def test_the_normalizer_in_python_runs():
    sent = []
    exchange = streams.exchange(streams.sse(streams.chat_text("Hi"), done=False))
    there = {
        "request": None, "head": None, "body": [exchange.body], "send": sent.append,
        "ending": Ending.COMPLETE, "exchange": exchange,
    }  # fmt: skip
    exec(_python("normalizer.md"), there)
    assert b"".join(sent) == there["normalize"](exchange).exchange.body
    assert sent[-1].endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("name", ["faults.md", "test-your-normalizer.md"])
def test_the_marker_is_one_that_a_replay_is_opened_with(name):
    there = {"pytest": pytest}
    exec(_python(name), there)
    (check,) = (one for key, one in there.items() if key.startswith("test_"))
    (marker,) = check.pytestmark
    home = ROOT / "captures" / Path(marker.args[0]).name
    with replayed.open_replay([home], ROOT, "strict", dict(marker.kwargs)) as replay:
        assert replay.base_url.endswith("/v1")


def test_settings_are_such(tmp_path):
    for _, block in blocks("toml"):
        (tmp_path / "pyproject.toml").write_text(block, "utf-8")
        assert load_config(tmp_path) != Config()
    extras = (ROOT / "pyproject.toml").read_text("utf-8")
    assert "\nfleet = [" in extras


# -- what waits for somebody -----------------------------------------------------------------------------------------


def _waits(line: str) -> bool:
    words = words_of(line)
    return words[0] in ("record", "replay", "fuzz") or (words[0] == "shrink" and "--" in words)


@pytest.mark.parametrize("line", list(filter(_waits, COMMANDS)))
def test_what_serves_or_runs_a_program_comes_to_where_it_would(line, prepared, monkeypatch, capsys):
    """By then all is read, found and understood: exchanges, faults, hops. It stops where it would listen or start."""
    came, listening = [], []

    def serve(_listener, playables, *_args, **_options):
        came.append(len(playables))
        return Timing()

    def run_fuzz(exchange, command, _budget, _timeout, _told, faults):
        came.append(command)
        for text in faults:
            fuzz._placed(text, exchange)
        return fuzz.Fuzzed(Outcome(0, b""), complete=True)

    def shrink_for(exchange, _budget, _told, _rule, command, _timeout):
        came.append(command)
        return exchange

    def bind(*_address):
        listening.append(socket.create_server(("127.0.0.1", 0)))
        return listening[-1]

    monkeypatch.chdir(prepared)
    monkeypatch.delenv("STREAMLAB_DB", raising=False)
    monkeypatch.setattr("streamlab.workflows.replay.serve", serve)
    monkeypatch.setattr("streamlab.workflows.record.record", lambda bound, *_args, **_options: came.append(bound) or 0)
    monkeypatch.setattr("streamlab.servers.listening.bind", bind)
    monkeypatch.setattr("streamlab.workflows.record.bind", bind)
    monkeypatch.setattr(fuzz, "fuzz", run_fuzz)
    monkeypatch.setattr(shrink, "shrink_for", shrink_for)
    with pytest.raises(SystemExit) as ended:
        cli.main([word.replace("/var/log/streamlab", str(prepared)) for word in words_of(line)])
    for one in listening:
        one.close()
    assert ended.value.code in (0, None), capsys.readouterr().err
    assert came
    assert all(came)
