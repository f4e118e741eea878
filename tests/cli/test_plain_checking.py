"""A `check` that asks for nothing particular is answered without click and Rich, and says what it says with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamlab.cli.check_words import checked_plainly
from tests import streams
from tests.cli.plainly import said

_ROOT = Path(__file__).parents[2]
_GOOD = str(_ROOT / "corpus" / "seed-systems" / "glm4-1de40b0-tool")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("plain")
    (home / "body.sse").write_bytes((Path(_GOOD) / "body.sse").read_bytes())
    (home / "clean.sse").write_bytes(streams.sse(streams.chat_text()))
    (home / "none.sse").write_bytes(b"no stream at all")
    (home / "project").mkdir()
    (home / "project" / "pyproject.toml").write_text('[tool.streamlab]\nfail-on = "never"\nignore = ["tool-*"]\n')
    return home


def _said(how: str, folder: Path, *args: str, **env: str):
    return said(how, folder, "check", *args, **env)


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (("body.sse",), {}),
        (("body.sse",), {"COLUMNS": "40"}),
        (("body.sse", _GOOD), {}),
        ((str(_ROOT / "corpus" / "scenarios"),), {}),
        (("body.sse", "missing.sse", "none.sse"), {}),
        (("missing.sse",), {}),
        (("none.sse", "--json"), {}),
        (("body.sse", "--json"), {}),
        (("body.sse", "--format", "sarif", "--fail-on=never"), {}),
        (("--fail-on", "error", "body.sse", "--format=github"), {}),
        (("body.sse", "--format", "xml"), {}),
        (("body.sse",), {"STREAMLAB_DB": "none"}),
        ((), {}),
    ],
)
def test_it_says_what_click_and_rich_say(folder, args, env):
    assert _said("plainly", folder, *args, **env) == _said("by click", folder, *args, **env)


def test_the_project_is_asked(folder):
    plain, clicked = (_said(how, folder / "project", "../body.sse") for how in ("plainly", "by click"))
    assert plain == clicked
    assert plain[0] == 0


@pytest.mark.parametrize(
    "args",
    [
        ["-"],
        ["lake:x"],
        ["a", "--format"],
        ["a", "--fail-on", "grave"],
        ["a", "--ignore", "x"],
        ["--", "a"],
        [""],
        [],
        ["--help"],
    ],
)
def test_what_takes_click_is_left_to_it(args):
    assert checked_plainly(args) is None


def test_it_loads_what_it_uses(folder):
    loaded = set(_said("plainly", folder, "clean.sse", MODULES="1")[1].split(b"\n")[-2].decode().split())
    assert "streamlab.apis.chat.rules.envelope.model_missing_or_changes" in loaded
    assert not loaded & {
        "pathlib",
        "urllib.parse",
        "hashlib",
        "zstandard",
        "brotli",
        "click",
        "rich",
        "tomllib",
        "sqlite3",
        "zipfile",
        "yaml",
        "multiprocessing",
        "httpx",
        "asyncio",
    }
    rooms = ("streamlab.interop.p", "streamlab.repairing.", "streamlab.apis.anthropic", "streamlab.apis.known")
    found = {name for name in loaded if name.startswith(rooms)}
    assert found == {"streamlab.interop.plain_stream", "streamlab.repairing.hidden"}
    assert {name for name in loaded if name.startswith("streamlab.dialects.")} <= {
        f"streamlab.dialects.{name}" for name in ("base", "hints", "registry", "shown", "signs", "openai")
    }
