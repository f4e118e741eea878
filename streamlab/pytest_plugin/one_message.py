"""Under pytest-xdist, what came of a fixture that passes in one message from a worker, where there would be five.

Where the run is told, the message becomes the calls of hooks that the five would be, with the same reports in the same
order. The worker sends it where nobody listens to these hooks that would miss them there, and only when it was told to,
by `permit`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import pytest

from streamlab.pytest_plugin.known import Listeners

if TYPE_CHECKING:
    from streamlab.pytest_plugin.short_way import Reports

#: The name under which a worker is told that it may, and that of such a message.
_KEY = _KIND = "streamlab_one_message"
_AROUND = "streamlab_around"
_SERIAL = "pytest_report_to_serializable", "pytest_report_from_serializable"
_HEARD = "pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish"
_PHASES: tuple[Literal["setup", "call", "teardown"], ...] = ("setup", "call", "teardown")


class OneMessage:
    """In a worker: sends it."""

    def __init__(self, config: pytest.Config, listeners: Listeners) -> None:
        self._hook, self._listeners = config.hook, listeners
        self._may = bool(getattr(config, "workerinput", {}).get(_KEY))

    def may_tell(self) -> bool:
        """Whether nobody here would miss what is left out."""
        return self._may and self._listeners.are_known(*_SERIAL, *_HEARD)

    def tell(self, item: pytest.Item, reports: Reports) -> bool:
        """Send it; False where a report says more than that the test passed."""
        setup, call, teardown = reports
        if call.sections or call.user_properties:
            return False
        setattr(call, _AROUND, (setup, teardown))
        self._hook.pytest_runtest_logreport(report=call)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_to_serializable(self, report: Any) -> dict[str, Any] | None:
        around = getattr(report, _AROUND, None)
        if around is None:
            return None
        times = [(one.duration, one.start, one.stop) for one in (around[0], report, around[1])]
        told = json.dumps((report.nodeid, report.location, [*report.keywords], times))
        return {"$report_type": _KIND, "told": told}


class Apart:
    """Where the run is told: takes it apart."""

    def __init__(self, config: pytest.Config) -> None:
        self._hook = config.hook

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> pytest.TestReport | None:
        if data.get("$report_type") != _KIND:
            return None
        nodeid, (path, line, domain), words, times = json.loads(data["told"])
        said = {name: value for name, value in data.items() if name != "told"} | {"$report_type": "TestReport"}
        said |= {"nodeid": nodeid, "location": (path, line, domain), "outcome": "passed", "longrepr": None}
        setup, call, teardown = (
            pytest.TestReport(
                **said, keywords=dict.fromkeys(words, 1), when=when, duration=duration, start=start, stop=stop
            )
            for when, (duration, start, stop) in zip(_PHASES, times, strict=True)
        )
        setattr(call, _AROUND, (setup, teardown))
        return call

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        around = getattr(report, _AROUND, None)
        if around is None:
            return (yield)
        delattr(report, _AROUND)
        where = {"nodeid": report.nodeid, "location": report.location}
        for one in around:
            one.node = report.node
        self._hook.pytest_runtest_logstart(**where)
        self._hook.pytest_runtest_logreport(report=around[0])
        result = yield
        self._hook.pytest_runtest_logreport(report=around[1])
        self._hook.pytest_runtest_logfinish(**where)
        return result


def permit(node: Any) -> None:
    """Tell a worker that is started whether it may send it.

    A line that says which test has begun has to come when it does: not under ``-v``, and to nobody else's plugin.
    """
    config: pytest.Config = node.config
    listeners = Listeners(config)
    if config.option.verbose > 0 or not listeners.are_known(*_SERIAL, _HEARD[0]):
        return
    node.workerinput[_KEY] = True
    if not config.pluginmanager.hasplugin(_KIND):
        config.pluginmanager.register(Apart(config), _KIND)
