"""What a command loads: what it does not use costs nothing at its start. Nothing here looks at a clock."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streamlab.apis import APIS, UNKNOWN
from streamlab.apis.registry import all_rules, repair_classes, rules_of
from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import concerns

_ROOT = Path(__file__).resolve().parents[2]
_EXCHANGE = str(_ROOT / "corpus" / "seed-systems" / "glm4-1de40b0-tool")
_CLEAN = str(_ROOT / "fixtures" / "rules" / "lifecycle" / "done_missing" / "good" / "body.sse")
_LOADED = """
import sys
from streamlab.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
import json
print("\\n" + json.dumps(sorted(sys.modules)))
"""


def _loaded(*argv: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", _LOADED, *argv], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_check_loads_what_it_uses():
    loaded = _loaded("check", _EXCHANGE, "--format", "json")
    assert "streamlab.rules.sse.sse_line_endings" in loaded
    assert not loaded & {"yaml", "multiprocessing", "httpx", "asyncio", "textual", "rich", "sqlite_utils"}
    others = ("streamlab.apis.anthropic.rules.", "streamlab.apis.responses.rules.", "streamlab.interop.")
    assert [name for name in loaded if name.startswith(others)] == []


def test_a_check_of_a_clean_stream_loads_what_it_asks_and_nothing_that_mends():
    everything = _loaded("check", _CLEAN)
    loaded = {name for name in everything if name.startswith("streamlab.")}
    assert [name for name in loaded if name.startswith("streamlab.repairing.")] == ["streamlab.repairing.hidden"]
    assert not loaded & {f"streamlab.rules.repairs.{name}" for name in ("framing", "payloads", "characters", "errors")}
    rules = {rule.__module__ for rule in all_rules()}
    assert 40 < len(loaded & rules) < 58  # of 172 for chat and for every API
    assert len(loaded - rules) < 145
    slow = {"dataclasses", "inspect", "typing_extensions", "pkgutil", "pathlib", "base64", "zlib", "urllib.parse"}
    assert not (everything & slow) - _before()


def test_a_check_of_a_broken_file_loads_no_reader_of_pastes_and_nothing_that_makes_classes_slowly(tmp_path):
    body = (Path(_EXCHANGE) / "body.sse").read_bytes()
    assert b"\r\n" in body
    (tmp_path / "body.sse").write_bytes(body)
    loaded = _loaded("check", str(tmp_path / "body.sse"))
    assert "streamlab.clients.table" in loaded
    assert [name for name in loaded if name.startswith(("streamlab.interop.p", "streamlab.interop.c"))] == [
        "streamlab.interop.plain_stream"
    ]
    assert not (loaded & {"dataclasses", "inspect", "pathlib", "urllib.parse"}) - _before()
    assert len([name for name in loaded if name.startswith("streamlab.")]) < 245


def test_msgspec_without_typing_extensions_reads_types_as_with_it():
    code = """
import sys
from streamlab.cli import _load_msgspec
_load_msgspec()
assert not {"typing_extensions", "inspect"} & sys.modules.keys()
import msgspec, typing, typing_extensions
assert typing_extensions.NotRequired is typing.NotRequired
class One(typing.TypedDict):
    name: str
    count: typing_extensions.NotRequired[int]
class Two(msgspec.Struct):
    ones: list[One]
print(msgspec.json.decode(b'{"ones": [{"name": "a"}, {"name": "b", "count": 2}]}', type=Two))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "Two(ones=[{'name': 'a'}, {'name': 'b', 'count': 2}])\n"


def test_a_check_of_a_bare_file_loads_no_yaml(tmp_path):
    (tmp_path / "body.sse").write_bytes(b'data: {"object":"chat.completion.chunk","choices":[]}\n\n')
    assert "yaml" not in _loaded("check", str(tmp_path / "body.sse"))


def test_a_pattern_is_compiled_when_it_is_used():
    broken = lazy_pattern("(")
    with pytest.raises(re.error):
        broken.search("")
    word = lazy_pattern(rb"(?P<first>[a-z])\w*", re.IGNORECASE)
    assert (word.flags, word.groupindex, word.sub(b"-", b"Two words")) == (re.IGNORECASE, {"first": 1}, b"- -")
    assert word.search(b" x")["first"] == b"x"


def test_a_list_of_what_was_judged_loads_nothing_that_judges(tmp_path):
    db = str(tmp_path / "c.db")
    _loaded("import", _EXCHANGE, "--db", db)
    assert "streamlab.judging.analyzer" in _loaded("ls", "--db", db)  # nobody has judged it yet
    loaded = _loaded("ls", "--db", db)
    rooms = tuple(
        f"streamlab.{room}" for room in ("dialects", "judging", "redaction", "repairing", "sharing", "clients")
    )
    assert [name for name in loaded if name.startswith(rooms)] == []
    assert not loaded & {"yaml", "multiprocessing", "concurrent.futures.process", "httpx", "asyncio", "textual"}
    assert not loaded & {"streamlab.apis.known", "msgspec"}  # it says whose promises were kept, and needs no API for it
    assert not loaded & {"streamlab.exchange", "dataclasses", "inspect"}  # nor an exchange


def test_first_sightings_of_what_was_judged_load_no_rule_and_no_format(tmp_path):
    db = str(tmp_path / "c.db")
    _loaded("import", _EXCHANGE, "--db", db)
    asked = ("ls", "--first-seen", "--db", db)
    assert "streamlab.judging.analyzer" in _loaded(*asked)  # nobody has judged it yet
    loaded = _loaded(*asked)
    rooms = ("streamlab.apis", "streamlab.dialects", "streamlab.redaction", "streamlab.judging.analyzer")
    assert [name for name in loaded if name.startswith(rooms)] == []
    assert not loaded & {"streamlab.storage.targets", "yaml", "multiprocessing", "httpx", "pyarrow", "duckdb"}


def test_the_help_loads_nothing():
    loaded = _loaded("--help")
    assert {name for name in loaded if name.startswith("streamlab")} == {"streamlab", "streamlab.cli"}
    assert not loaded & {"click", "re", "inspect", "shutil", "typing", "collections"} - _before()


def _before() -> set[str]:
    """What an interpreter has loaded by itself here."""
    code = "import sys, json; print(json.dumps(sorted(sys.modules)))"
    return set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_the_help_that_is_at_hand_is_that_of_the_commands(columns):
    """``--help`` is printed as it lies there; with another word before it, it is made."""
    env = {**os.environ, "COLUMNS": columns}
    streamlab = [sys.executable, "-m", "streamlab"]
    said = [
        subprocess.run([*streamlab, *args], env=env, capture_output=True, check=True).stdout
        for args in (["--help"], ["-h"], ["--help", "--help"])
    ]
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("api", [*APIS, UNKNOWN], ids=str)
def test_the_rules_and_repairs_of_an_api_are_all_that_concern_it_in_their_order(api):
    assert [one for one in rules_of(api) if concerns(one, api)] == [one for one in all_rules() if concerns(one, api)]
    for unsafe in (False, True):
        whole = [one for one in repair_classes(unsafe) if concerns(one, api)]
        assert [*repair_classes(unsafe, api)] == whole
