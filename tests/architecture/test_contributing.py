"""The rule and the repair that CONTRIBUTING shows are found, asked and run when they are put where it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_EXAMPLE = re.compile(r"<!-- example: (\w+) -->\n```python\n(.*?)```", re.DOTALL)
_PLACE = re.compile(r"As `streamlab/apis/chat/rules/envelope/(\w+\.py)` it would be found")
#: A process of its own, whose registry has not looked yet. The folder given counts as part of the family's.
_USE = """
import sys
from pathlib import Path

import streamlab.apis.chat.rules.envelope as family

folder = Path(sys.argv[1])
family.__path__.append(str(folder))

sys.path.append("docs")
import rule_cards  # what `make docs` writes
from streamlab.apis.chat.rules import cards

exec(rule_cards.texts()["streamlab.apis.chat.rules"], vars(cards))

from tests import rule_fixtures

rule_fixtures.ROOT = folder / "rules"
exec((folder / "example_fixture.txt").read_text())

from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.storage.exchange_dir import read_exchange_dir

home = folder / "rules" / "envelope" / "model_name_padded"
bad, good = read_exchange_dir(home / "bad"), read_exchange_dir(home / "good")
assert [one.rule for one in analyze(bad).findings] == ["model-name-padded"]
assert not analyze(good).findings
repaired = normalize(bad).exchange
assert repaired.body == good.body.replace(b"gpt-4o-2024-08-06", b"gpt-4o"), repaired.body
assert (home / "bad" / "expected.sse").read_bytes() == repaired.body
assert normalize(repaired).exchange.body == repaired.body
assert normalize(good).exchange.body == good.body
"""


def test_the_rule_and_the_repair_shown_to_contributors_work(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = dict(_EXAMPLE.findall(text))
    (place,) = _PLACE.findall(text)
    (tmp_path / place).write_text(shown["rule"], encoding="utf-8")
    (tmp_path / "example_fixture.txt").write_text(shown["fixture"], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _USE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
