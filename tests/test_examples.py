"""What hypothesis tries is the same in every run of `make test`, whatever else has run in the same process."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.skipif(settings().derandomize is False, reason="`make fuzz` takes random examples")
def test_examples_do_not_depend_on_what_is_loaded(tmp_path, monkeypatch):
    tried: list[int] = []

    @settings(max_examples=300)
    @given(st.integers())
    def collect(number: int) -> None:
        tried.append(number)

    collect()
    before = tried.copy()
    tried.clear()
    loaded = ModuleType("of_our_own")
    loaded.__file__ = str(tmp_path / "of_our_own.py")
    (tmp_path / "of_our_own.py").write_text(f"NUMBERS = {[1_000_003 * at for at in range(1, 500)]}\n")
    monkeypatch.setitem(sys.modules, "of_our_own", loaded)
    collect()
    assert tried == before
