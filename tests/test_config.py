"""``[tool.streamlab]``: found going up, told apart from typos."""

from __future__ import annotations

import pytest

from streamlab.config import Config, load_config
from streamlab.errors import UsageError


def written(folder, text: str) -> None:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def test_the_nearest_file_going_up_holds(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    written(tmp_path, '[tool.streamlab]\nignore = ["sse-*"]\nfail-on = "error"\nclient = "openai"\ndb = "x.db"\n')
    assert load_config(inner) == Config((), ("sse-*",), (), "error", "openai", "x.db")


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "not toml ["])
def test_files_of_others_say_nothing(tmp_path, text):
    written(tmp_path, text)
    assert load_config(tmp_path) == Config()


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("fail_on = 'error'", "fail_on"),
        ("fail-on = 'fatal'", "one of error, warning, info, never"),
        ("fail-on = 3", "string"),
        ("select = 'sse-*'", "list"),
        ("ignore = [1]", "list"),
        ("frobnicate = true", "frobnicate"),
    ],
)
def test_typos_are_complaints(tmp_path, line, about):
    written(tmp_path, f"[tool.streamlab]\n{line}\n")
    with pytest.raises(UsageError, match=about):
        load_config(tmp_path)
