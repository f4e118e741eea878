"""openai-node ends with what the mended stream says, plain and with ``.stream()``. Skips where Node.js is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.repaired import arguments, expected, repaired_streams, served
from tests.examples import RANDOM

NODE, NPM = shutil.which("node"), shutil.which("npm")
#: Beside the virtual environment, so that `make clean` takes it along. The folder may be named instead.
PACKAGES = Path(os.environ.get("STREAMLAB_NODE_OPENAI") or Path(sys.prefix) / "node")


@pytest.fixture(scope="module")
def packages() -> Path:
    if NODE is None or NPM is None:
        pytest.skip("Node.js with npm is not installed")
    if not (PACKAGES / "node_modules" / "openai").is_dir():
        PACKAGES.mkdir(parents=True, exist_ok=True)
        install = [NPM, "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(PACKAGES), "openai@7"]
        done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install openai: {done.stderr.strip().splitlines()[-1:]}")
    return PACKAGES


@pytest.mark.sweep
def test_openai_node_ends_with_what_was_repaired(packages: Path) -> None:
    streams = [one for one in repaired_streams(0, 1 if RANDOM else 2) if "choices" not in one.completion]
    script = Path(__file__).with_name("openai_node.mjs")
    with served(streams) as replay:
        done = subprocess.run(
            [str(NODE), str(script), str(packages), replay.url],
            input="\n".join(one.name for one in streams),
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
    answers = {line["name"]: line for line in map(json.loads, filter(None, done.stdout.split("\n")))}
    wrong = {}
    for one in streams:
        for way in ("plain", "accumulated"):
            got = answers[one.name][way]
            if "error" not in got:
                got["calls"] = [[call_id, name, arguments(text)] for call_id, name, text in got["calls"]]
            if got != expected(one.completion):
                wrong[one.name, way] = (got, expected(one.completion))
    assert wrong == {}
    assert len(streams) > (60 if RANDOM else 30)
