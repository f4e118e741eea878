"""The short way through a test that sets nothing up and prints nothing.

Of what pytest does around each phase of a test, nothing concerns a fixture that passes: its three reports are made
without asking. Where anything else may have a part in it (another plugin, a mark, ``--pdb``, a collector that sets
something up), and for the first and the last of our tests in a row, it is the ordinary way; and so it is, from the
start, for a test that does not pass.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol

import pytest

from streamlab.pytest_plugin.known import Listeners

#: What is left out for a test that goes the short way.
_HOOKS = (
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_runtest_call",
    "pytest_runtest_teardown",
    "pytest_runtest_makereport",
)
_OPTIONS = ("setuponly", "setupshow", "setupplan", "usepdb", "trace")
_MARKS = frozenset(("skip", "skipif", "xfail"))
#: Where pytest says which test runs.
_CURRENT = "PYTEST_CURRENT_TEST"

Reports = list[pytest.TestReport]


class Teller(Protocol):
    """Tells of a whole test at once."""

    def may_tell(self) -> bool: ...
    def tell(self, item: pytest.Item, reports: Reports) -> bool: ...


class ShortWay:
    """Runs the tests for which ``is_ours`` holds; ``teller`` tells of those that pass, where it may. Before each test
    ``begins`` is told whether it is ours."""

    def __init__(
        self,
        config: pytest.Config,
        listeners: Listeners,
        is_ours: Callable[[Any], bool],
        teller: Teller,
        begins: Callable[[bool], object],
    ) -> None:
        self._listeners, self._is_ours, self._teller, self._begins = listeners, is_ours, teller, begins
        self._open = not any(config.getoption(one, False) for one in _OPTIONS)
        self._capturing = config.pluginmanager.getplugin("capturemanager")
        self._in_a_row = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Ours, in a row of ours; None for others, which goes on to whoever runs those."""
        is_ours = self._is_ours(item)
        self._begins(is_ours)
        before, self._in_a_row = self._in_a_row, self._open and is_ours
        if not (before and self._in_a_row and nextitem is not None and self._is_ours(nextitem)):
            return None
        if not (self._listeners.are_known(*_HOOKS) and _is_free(item, nextitem)):
            return None
        at_once = self._teller.may_tell()
        reports = self._reports(item) if at_once else []
        if not (reports and self._teller.tell(item, reports)):
            self._told_by_hooks(item, nextitem, reports, at_once)
        return True

    def _told_by_hooks(self, item: pytest.Item, nextitem: pytest.Item, reports: Reports, was_run: bool) -> None:
        from _pytest.runner import runtestprotocol

        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = reports if was_run else self._reports(item)
        for report in reports:
            hook.pytest_runtest_logreport(report=report)
        if not reports:
            self._in_a_row = False
            runtestprotocol(item, nextitem=nextitem)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _reports(self, item: pytest.Item) -> Reports:
        """Those of a test that passes; none where it does not."""
        sections = len(item._report_sections)
        reports = [_report(item, pytest.CallInfo.from_call(_nothing, "setup"))]
        os.environ[_CURRENT] = f"{item.nodeid} (call)".replace("\x00", "(null)")
        with self._capturing.item_capture("call", item) if self._capturing is not None else nullcontext():
            call = pytest.CallInfo.from_call(item.runtest, "call", (KeyboardInterrupt, pytest.exit.Exception))
        os.environ.pop(_CURRENT, None)
        if call.excinfo is not None:
            del item._report_sections[sections:]  # it will be run again
            return []
        return [*reports, _report(item, call), _report(item, pytest.CallInfo.from_call(_nothing, "teardown"))]


_report = pytest.TestReport.from_item_and_call


def _nothing() -> None:
    """What is to be done before and after a test."""


def _is_free(item: pytest.Item, nextitem: pytest.Item) -> bool:
    """Whether nothing has to be set up for a test that is not yet, nor undone behind it before the next."""
    stack = getattr(getattr(item.session, "_setupstate", None), "stack", None)
    if type(stack) is not dict or any(one.name in _MARKS for one in item.iter_markers()):
        return False
    up = list(stack)
    if nextitem.listchain()[: len(up)] != up or any(raised is not None for _, raised in stack.values()):
        return False
    return all(_sets_nothing_up(type(one)) for one in item.listchain()[len(up) :])


def _sets_nothing_up(kind: Any) -> bool:
    return kind.setup is pytest.Item.setup and kind.teardown is pytest.Item.teardown
