"""What the end of a run says of the fixtures that tests asked a replay server for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from streamlab.workflows.regression.replayed import Usage

META = "exchange.json"
#: The name under which a test's report carries what it asked for.
PROPERTY = "streamlab"


class EndOfRun:
    """What the tests of a run left behind. Under pytest-xdist reports come in where the run is told."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._left: list[tuple[str, Any]] = []
        self._tested: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._left.extend((report.nodeid, left) for name, left in report.user_properties if name == PROPERTY)
            if f"/{META}::" in f"/{report.nodeid}":
                self._tested.append(report.nodeid.partition("::")[0])

    @property
    def _usage(self) -> Usage | None:
        """None where no test asked a replay server."""
        if not self._left:
            return None
        from streamlab.workflows.regression.replayed import Usage

        usage = Usage()
        for test in self._tested:
            usage.fixture_tested((self._config.rootpath / test).parent)
        for test, left in self._left:
            usage.test_ended(test, left)
        return usage

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        fails = self._config.getoption("--streamlab-unused") == "fail" and not hasattr(self._config, "workerinput")
        usage = self._usage if fails and session.exitstatus == pytest.ExitCode.OK else None
        if usage is not None and usage.unused():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        lines = list(usage.lines()) if (usage := self._usage) is not None else []
        if lines:
            terminalreporter.section("streamlab")
            for line in lines:
                terminalreporter.write_line(line)
