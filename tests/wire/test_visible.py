"""Hostile text made visible: what is looked at before the pattern, for speed, changes nothing."""

from __future__ import annotations

import sys

from streamlab.wire.visible import UNSAFE, visible


def test_a_character_is_shown_otherwise_where_the_pattern_names_it():
    wrong = [
        at for at in range(sys.maxunicode + 1) if (visible(chr(at)) != chr(at)) is (UNSAFE.search(chr(at)) is None)
    ]
    assert wrong == []
