"""An API is known outside its folder only through `Api`: nobody else names one, and a new one needs one line."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamlab.apis import APIS
from streamlab.apis.vendors import VENDORS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "streamlab"
FOLDERS = {api.folder for api in APIS}
#: The stand-ins play servers of one protocol each.
PLAYERS = "standins/"


def _names(source: str) -> Iterator[str]:
    """Every place where a module names an API: by importing from its folder, or by comparing with its name."""
    names = {api.name for api in APIS}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            match = re.match(r"streamlab\.apis\.(\w+)", node.module)
            if match and match.group(1) in FOLDERS:
                yield node.module
            if node.module == "streamlab.apis":
                yield from (one.name for one in node.names if one.name in FOLDERS or one.name == "api_names")
        elif isinstance(node, ast.Compare | ast.Set | ast.Tuple | ast.List | ast.Dict):
            held = [one.value for one in ast.iter_child_nodes(node) if isinstance(one, ast.Constant)]
            # "responses" alone is an English word, too.
            sure = names if isinstance(node, ast.Compare) else {name for name in names if "." in name}
            yield from (one for one in held if one in sure)


def test_nothing_outside_names_an_api():
    found = {
        path.relative_to(PACKAGE).as_posix(): named
        for path in sorted(PACKAGE.rglob("*.py"))
        if "apis" not in path.relative_to(PACKAGE).parts[:1]
        and "drivers" not in path.parts  # programs of other environments: they speak APIs, they judge none
        and (named := list(_names(path.read_text(encoding="utf-8"))))
    }
    assert {name: named for name, named in found.items() if not name.startswith(PLAYERS)} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from streamlab.apis.chat.repairs.closing import Closing",
        "if api == 'chat.completions': pass",
        "kinds = {'anthropic.messages', 'other'}",
        "from streamlab.apis import api_names",
    ],
)
def test_a_name_outside_is_found(line):
    assert list(_names(line))


_TOY = '''
"""A toy."""
from __future__ import annotations
from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject

class Toy(Api):
    """A protocol that nobody speaks."""
    name = "toy"
    vendor = "Toys"
    judged = True
    path_ends = ("/toy",)
    path = "/v1/toy"

    def recognises(self, value: JsonObject) -> bool:
        return "toy" in value

API = Toy()
'''
_RULE = '''
"""See `ToyBroken`."""
from __future__ import annotations
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Severity
from streamlab.rules.sources import OBSERVED
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact, chunk_of

class ToyBroken(Rule):
    """A toy is broken.

    ## What OpenAI does
    Nothing.

    ## Why it matters
    It matters.

    ## Repair
    None.
    """
    name = "toy-broken"
    severity = Severity.ERROR
    source = OBSERVED
    on = Fact.CHUNK

    def event(self, at: int, event: StreamEvent) -> Findings:
        if chunk_of(event).get("toy") == "broken":
            yield self.found("the toy is broken", at, path="toy", expected="whole", actual="broken")
'''
_USE = """
import contextlib, io, json
from pathlib import Path
import pytest
from streamlab import cli
def run(*args, code=0):
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    ended = 0
    with contextlib.redirect_stdout(said):
        try:
            cli.main(list(args))
        except SystemExit as stopped:
            ended = stopped.code or 0
    told = said.buffer.getvalue().decode()
    assert ended == code, (args, ended, told)
    return told
Path("bad.sse").write_text('data: {"toy":"whole"}\\n\\ndata: {"toy":"broken"}\\n\\n')
Path("good.sse").write_text('data: {"toy":"whole"}\\n\\n')
said = json.loads(run("check", "bad.sse", "--format", "json", code=1))["exchanges"][0]
assert said["api"] == "toy", said
assert [one["rule"] for one in said["findings"]] == ["toy-broken"], said
assert said["findings"][0]["path"] == "toy"
run("check", "good.sse")
told = run("diff", "bad.sse", code=1)
assert "toy" in told, told
run("import", "bad.sse", "--db", "c.db")
assert "toy" in run("show", "last", "--db", "c.db")
run("import", "good.sse", "--db", "c.db")
assert "as Toys sends it" in run("ls", "c.db", "--rule", "toy-broken") + run("ls", "c.db")
run("export", "last", "--db", "c.db", "--to", "fixtures")
assert pytest.main(["-q", "-p", "no:cacheprovider", "fixtures"]) == 0

from driving import drive
from streamlab.tui.link import Link

async def story(driver):
    await driver.settle()
    shown = driver.text()
    assert "toy-broken" in shown and "OpenAI" not in shown, shown

link = Link()
try:
    drive(link, "bad.sse", Path("state.json"), story)
finally:
    link.close()
"""


def test_lists_say_whose_promises_as_the_apis_do():
    assert {api.name: api.vendor for api in APIS if api.judged} == VENDORS


def test_a_new_api_is_a_folder_and_a_line(tmp_path):
    """check, show, diff, export, fixtures and the workbench: all of it, with nothing else touched."""
    # With what is compiled: it is taken where time and size of the source are the same.
    shutil.copytree(PACKAGE, tmp_path / "streamlab")
    shutil.copy(PACKAGE.parent / "tests" / "tui" / "driving.py", tmp_path)
    apis = tmp_path / "streamlab" / "apis"
    folder = apis / "toy" / "rules" / "lifecycle"
    folder.mkdir(parents=True)
    (apis / "toy" / "api.py").write_text(_TOY)
    (folder / "toy_broken.py").write_text(_RULE)
    for one in (apis / "toy", folder.parent, folder):
        (one / "__init__.py").write_text("")
    listing = apis / "known.py"
    text = listing.read_text(encoding="utf-8")
    text = text.replace("APIS: tuple[Api, ...] = (\n", "APIS: tuple[Api, ...] = (\n    TOY,\n", 1)
    listing.write_text(
        text.replace("\n#: Every API", "from streamlab.apis.toy.api import API as TOY\n\n#: Every API", 1)
    )
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_USE)],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(tmp_path),
            "PATH": "",
            "NO_COLOR": "1",
            "COLUMNS": "120",
            "HOME": str(tmp_path),
            "STREAMLAB_STAND_BACK": os.environ["STREAMLAB_STAND_BACK"],
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
