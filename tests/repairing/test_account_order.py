"""An account tells repairs in the order in which they were made, whatever the seed of Python's hashes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.rule_fixtures import folder

_SHOW = """
import sys
from pathlib import Path
from streamlab.repairing.normalizer import normalize
from streamlab.storage.exchange_dir import read_exchange_dir
print(list(normalize(read_exchange_dir(Path(sys.argv[1]))).changes))
"""


@pytest.mark.parametrize("rule", ["finish-reason-repeated", "azure-async-filter-tail"])
def test_the_order_is_that_of_the_repairs(rule):
    said = set()
    for seed in ("1", "2", "3"):
        asked = [sys.executable, "-c", _SHOW, str(folder(rule) / "bad")]
        done = subprocess.run(asked, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True)
        said.add(done.stdout)
    assert len(said) == 1
