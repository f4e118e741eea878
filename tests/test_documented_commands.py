"""Every streamlab command that README, docs and --help show is one: it parses, and what needs no server runs."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from streamlab import cli
from streamlab.workflows.check import import_into
from streamlab.workflows.export import export
from tests.batches import batched

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: What reads or writes files and databases and comes to its end by itself: these are run, the others parsed.
RUN = {"ls", "show", "check", "compare", "diff", "normalize", "export", "import", "prune", "rules", "rule", "doctor",
       "completion", "trend", "bisect", "lake", "sql"}  # fmt: skip
_BLOCK = re.compile(r"^```(?:sh|console|text|bash)?\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^ *(?:- run: |script: |\$ )?((?:[A-Z_]+=\S+ )*(?:.*\| )?streamlab [a-z].*)$", re.MULTILINE)


def commands() -> list[str]:
    """Each line of a block that is a command of ours, once."""
    found: dict[str, None] = {}
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in _COMMAND.findall(block.replace("\\\n", " ")):
                found[line.partition("  #")[0].strip()] = None
    return [line for line in found if not line.startswith("Usage")]


def words_of(line: str) -> list[str]:
    """The words of our command in a line of a shell: without what is piped, redirected or set around it."""
    words: list[str] = []
    for word in shlex.split(line[line.index("streamlab ") :]):
        if word in ("|", ">", "2>", "&") or word.startswith(("#", "(")):
            break
        words.append(word)
    return words[1:]


COMMANDS = commands()


def test_there_are_many():
    assert len(COMMANDS) > 60
    assert {words_of(line)[0] for line in COMMANDS} == set(cli.COMMANDS)


@batched("line", COMMANDS)
def test_every_command_that_is_shown_parses(line, place):
    name, *arguments = words_of(line)
    # With its settings: commands keep the help option that they are asked for first.
    context = click.Context(cli.group, info_name="streamlab", **cli.group.context_settings)
    command = cli.group.get_command(context, name)
    assert command is not None, line
    command.make_context(name, [one for one in arguments if one != "…"], parent=context)


@pytest.mark.parametrize("line", [line for line in COMMANDS if words_of(line)[0] in RUN])
def test_every_command_that_needs_no_server_runs(line, place, monkeypatch, capsysbinary):
    if any(word.startswith(("lake", "sql")) for word in words_of(line)):
        pytest.importorskip("pyarrow")
        pytest.importorskip("duckdb")
    body = (place / "captures" / "glm4-newline" / "body.sse").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
    with pytest.raises(SystemExit) as ended:
        cli.main(words_of(line))
    said = capsysbinary.readouterr()
    assert ended.value.code in (0, 1, None), (line, said.err.decode())
    assert b"Traceback" not in said.err


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder as somebody has it who has recorded, exported and saved: what the pages speak of."""
    home: Path = tmp_path_factory.mktemp("documented")
    shutil.copytree(ROOT / "captures", home / "captures", ignore=shutil.ignore_patterns("*.db*"))
    shutil.copytree(ROOT / "fixtures" / "rules" / "lifecycle", home / "fixtures" / "lifecycle")
    captures = sorted(
        (str(one) for one in (home / "captures").iterdir()), key=lambda one: ("openai" not in one, "onehub" in one, one)
    )
    import_into(captures, home / "captures" / "streamlab.db", None)
    import_into(captures, home / "run.db", None)
    for name in ("glm4-newline", "x"):
        shutil.copytree(home / "captures" / "glm4-newline", home / "fixtures" / name)
    for side in ("direct", "gateway", "recorded/direct", "recorded/gateway"):
        behind = "" if side.endswith("gateway") else "-upstream"
        for name in ("oneapi-tgi-no-space", "onehub-double-finish"):
            shutil.copytree(home / "captures" / f"{name}{behind}", home / side / name)
    for name in ("stream.sse", "broken.sse"):
        shutil.copyfile(home / "captures" / "glm4-newline" / "body.sse", home / name)
    for form, name in (("har", "browser.har"), ("vcr", "cassette.yaml"), ("curl", "curl.log")):
        (written,) = export([str(home / "captures" / "openai-plain")], home / "out-of-here", form)
        shutil.copyfile(written.path, home / name)
    (home / "my_app.py").touch()
    if all(find_spec(name) for name in ("pyarrow", "duckdb", "fsspec")):
        with pytest.raises(SystemExit):
            cli.main(["lake", "add", str(home / "run.db"), "--to", str(home / "captures" / "lake")])
    with pytest.raises(SystemExit):
        cli.main(["bundle", str(home / "captures" / "glm4-newline"), "-o", str(home / "bug.slab")])
    return home


@pytest.fixture
def place(prepared, tmp_path, monkeypatch):
    """A copy of it to work in."""
    home = tmp_path / "here"
    shutil.copytree(prepared, home)
    monkeypatch.chdir(home)
    monkeypatch.delenv("STREAMLAB_DB", raising=False)
    return home
