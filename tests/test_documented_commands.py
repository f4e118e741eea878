"""Every streamlab command that README, docs and --help show is one: it parses, and what needs no server runs."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from streamlab import cli
from streamlab.workflows.export import export
from streamlab.workflows.importing import import_into
from tests.batches import batched

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: What reads or writes files and databases and comes to its end by itself: these are run, the others parsed.
RUN = {"ls", "show", "check", "compare", "diff", "normalize", "export", "import", "prune", "rules", "rule", "doctor",
       "completion", "trend", "bisect", "lake", "sql", "bundle", "redact", "clients list", "shrink"}  # fmt: skip
#: Any block: one that is not looked at has an end as well, which is not the begin of the next.
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(
    r"^ *(?:- run: |script: |\$ |ExecStart=\S+/bin/)?((?:[A-Z_]+=\S+ )*(?:.*\| )?streamlab [a-z].*)$", re.MULTILINE
)


def blocks(*languages: str) -> list[tuple[Path, str]]:
    """Page and text of each block in one of these languages; "" is the one without a name."""
    return [(page, text) for page in PAGES for name, text in fenced(page) if name in languages]


def fenced(page: Path) -> list[tuple[str, str]]:
    """Language and text of each block of a page."""
    return _FENCE.findall(page.read_text(encoding="utf-8"))


def commands_in(block: str) -> list[str]:
    """Each line of a block that is a command of ours, without the remark behind it."""
    found = [line.partition("  #")[0].strip() for line in _COMMAND.findall(block.replace("\\\n", " "))]
    return [line for line in found if not line.startswith("Usage")]


def commands() -> list[str]:
    """Each of all pages, once."""
    shown = blocks("", "text", "sh", "console", "yaml", "ini")
    return list(dict.fromkeys(line for _, block in shown for line in commands_in(block)))


def words_of(line: str) -> list[str]:
    """The words of our command in a line of a shell: without what is piped, redirected or set around it."""
    words: list[str] = []
    for word in shlex.split(line[line.index("streamlab ") :]):
        if word in ("|", ">", "2>", "&") or word.startswith(("#", "(")):
            break
        words.append(word)
    return words[1:]


def is_run(line: str) -> bool:
    """Whether it needs neither a server nor a program of the reader's."""
    words = words_of(line)
    return "--" not in words and (words[0] in RUN or " ".join(words[:2]) in RUN)


COMMANDS = commands()


def test_there_are_many():
    assert len(COMMANDS) > 60
    assert len(list(filter(is_run, COMMANDS))) > 60
    assert {words_of(line)[0] for line in COMMANDS} == set(cli.COMMANDS)


@batched("line", COMMANDS)
def test_every_command_that_is_shown_parses(line, place):
    name, *arguments = words_of(line)
    # With its settings: commands keep the help option that they are asked for first.
    context = click.Context(cli.group, info_name="streamlab", **cli.group.context_settings)
    command = cli.group.get_command(context, name)
    assert command is not None, line
    command.make_context(name, [one for one in arguments if one != "…"], parent=context)


@pytest.mark.parametrize("line", list(filter(is_run, COMMANDS)))
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


def test_the_walk_of_the_readme_goes_through_from_its_first_line_to_its_last(tmp_path):
    """In a copy of what a clone has, each line by a shell, where each builds on those before."""
    block = next(one for _, one in fenced(ROOT / "README.md") if "activate" in one)
    lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
    assert lines[0] == ". .venv/bin/activate"
    for name in ("captures", "pyproject.toml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    for leftover in (tmp_path / "captures").glob("*.db*"):
        leftover.unlink()
    captures = sorted(str(one) for one in (tmp_path / "captures").iterdir() if one.is_dir())
    captures.sort(key=lambda one: "glm4-newline" not in one)
    import_into(captures, tmp_path / "captures" / "streamlab.db", None)  # what `make demo` leaves
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("STREAMLAB_DB", None)
    said = {}
    for line in lines[1:]:
        if line.startswith(("streamlab tui", "streamlab replay")):  # one looks at a terminal, one waits for a client
            continue
        ran = subprocess.run(line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert ran.returncode == (1 if " check " in line else 0), (line, ran.stdout, ran.stderr)
        said[line] = ran.stdout
    assert "2 passed" in said["pytest my-fixtures"]
    assert "plain-text-in-data" in said["streamlab check 1"]
    assert (tmp_path / "bug.html").is_file()


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
