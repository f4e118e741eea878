"""Where colours are not wanted, an error is as bright as anything, and bold; its letter says what it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.tui.driving import CAPTURES

#: Draws the screens after some keys, in a process of its own: Textual looks at the environment as it is loaded.
_DRAW = """
import json, sys, tempfile
from pathlib import Path
from tests.tui.driving import drive
from streamlab.tui.link import Link

def colour(style, name):
    found = getattr(style, name, None) if style else None
    return None if found is None else list(found.get_truecolor())

async def story(driver):
    await driver.settle()
    for key in sys.argv[2:]:
        await driver.press(key)
        await driver.settle()
    drawn = [[(one.text, colour(one.style, "color"), colour(one.style, "bgcolor"), bool(one.style and one.style.bold))
              for one in strip] for strip in driver.app.screen._compositor.render_strips()]
    print(json.dumps(drawn))

with tempfile.TemporaryDirectory() as folder:
    link = Link()
    drive(link, sys.argv[1], Path(folder) / "state.json", story, (200, 50))
    link.close()
"""


def _luminance(colour):
    parts = [one / 255 / 12.92 if one <= 10 else ((one / 255 + 0.055) / 1.055) ** 2.4 for one in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _contrast(one, other):
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("target", "keys", "said"),
    [
        (CAPTURES, (), "plain-text-in-data"),
        (CAPTURES / "glm4-newline", ("n",), "plain-text-in-data"),
        (CAPTURES / "glm4-follow-up-500", ("G",), "http-error-body-shape"),
    ],
)
def test_errors_are_the_easiest_to_see(target, keys, said):
    done = subprocess.run(
        [sys.executable, "-c", _DRAW, str(target), *keys],
        capture_output=True, text=True, check=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    drawn = json.loads(done.stdout)
    parts = [one for line in drawn for one in line if one[0].strip() and one[1] and one[2]]
    assert all(len(set(one[1])) == 1 for one in parts), "a colour is left"
    errors = [one for line in drawn for one in line if one[0].strip() in ("E", said)]
    assert errors
    assert all(_contrast(one[1], one[2]) >= 4.5 for one in errors if one[0].strip() == "E")
    assert all(bold for text, _, _, bold in errors if text.strip() == "E")
    words = [one for one in parts if any(map(str.isalnum, one[0]))]
    assert [one for one in words if _contrast(one[1], one[2]) < 3] == []
