"""Where no colours are wanted, what is printed without Rich is what Rich prints."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.judging.analyzer import analyze
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.report.plain_console import PlainConsole
from streamlab.report.terminal import _Unpadded
from streamlab.report.text import print_recovered, print_report, summary_line
from tests import corpus

_REPORTS = [(str(one), analyze(corpus.load(one))) for one in corpus.directories()]


def _consoles(width: int):
    files = io.StringIO(), io.StringIO()
    options = {"highlight": False, "emoji": False, "markup": False}
    return files, (HarmlessConsole(file=_Unpadded(files[0]), width=width, **options), PlainConsole(files[1], width))


@pytest.mark.parametrize("width", [20, 43, 80, 100, 300])
def test_reports_are_printed_alike(width):
    for source, report in _REPORTS:
        files, consoles = _consoles(width)
        for console in consoles:
            print_report(console, source, report, 200, "complete")
            print_recovered(console, report.findings)
            console.print(summary_line(console, 3, {"error": 1, "warning": 2, "info": 0}))
        assert files[0].getvalue() == files[1].getvalue(), source


_TEXTS = st.lists(
    st.one_of(
        st.text("ab –…·✓×“”’", max_size=30),
        st.text("x", min_size=15, max_size=70),
        st.text("長いé\u0301👩\u200d🚀 a", max_size=25),
        st.sampled_from([" ", "  ", "      ", ""]),
    ),
    max_size=6,
).map("".join)


@given(_TEXTS, st.integers(0, 12), st.integers(0, 12), st.integers(20, 60))
def test_texts_are_wrapped_alike(text, at, more, width):
    files, consoles = _consoles(width)
    for console in consoles:
        console.hanging(console.text(text), at, more)
        console.facts([text, console.text.assemble(("a", "bold"), text), text], at, more, style="dim")
        console.print(console.text(text))
    assert files[0].getvalue() == files[1].getvalue()
