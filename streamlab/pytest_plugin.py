"""The pytest plugin: every fixture directory is a test, with no Python written.

A directory that holds ``exchange.json`` gives up to two tests: *findings* (the rules still say what findings.json
says) and *normalized* (the normalizer under test still makes expected.sse of body.sse, however it is cut). This module
imports nothing heavy until a fixture is run, for it is loaded by every pytest of the environment it is installed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from streamlab.exchange import Exchange
    from streamlab.gateway_testing import Gateway
    from streamlab.replaying import BackgroundReplay

_META = "exchange.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("streamlab", "regression fixtures of OpenAI-compatible streams")
    group.addoption(
        "--streamlab-normalizer",
        metavar="PACKAGE.MODULE:NAME",
        help="Test this normalizer instead of streamlab's: a callable from an iterable of bytes to an iterable of "
        "bytes, or a class with feed(bytes) -> bytes and finish() -> bytes.",
    )
    group.addoption(
        "--streamlab-gateway",
        metavar="URL",
        help="Test a gateway in any language: send it each fixture's request and judge what comes out.",
    )
    group.addoption(
        "--streamlab-upstream",
        metavar="HOST:PORT",
        help="Where the gateway under test expects its upstream; the plugin plays the fixture there.",
    )
    group.addoption("--streamlab-update", action="store_true", help="Rewrite expected.sse and findings.json.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "streamlab(name): the fixture directory that streamlab_* fixtures use")
    gateway, upstream = config.getoption("--streamlab-gateway"), config.getoption("--streamlab-upstream")
    if bool(gateway) != bool(upstream):
        raise pytest.UsageError("--streamlab-gateway and --streamlab-upstream go together")
    if gateway and config.getoption("--streamlab-normalizer"):
        raise pytest.UsageError("test either a gateway or a normalizer")
    if gateway and hasattr(config, "workerinput") and config.workerinput["workercount"] > 1:
        raise pytest.UsageError("a gateway has one upstream address: run without -n")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name == _META and file_path.with_name("body.sse").exists():
        collector: pytest.Collector = FixtureCollector.from_parent(parent, path=file_path)
        return collector
    return None


class FixtureCollector(pytest.File):
    """One fixture directory."""

    def collect(self) -> Iterator[pytest.Item]:
        config, home = self.config, self.path.parent
        if config.getoption("--streamlab-update"):
            yield UpdateItem.from_parent(self, name="update")
            return
        alone = not (config.getoption("--streamlab-normalizer") or config.getoption("--streamlab-gateway"))
        if alone and (home / "findings.json").exists():
            yield FindingsItem.from_parent(self, name="findings")
        if (home / "expected.sse").exists():
            kind = GatewayItem if config.getoption("--streamlab-gateway") else NormalizedItem
            yield kind.from_parent(self, name="normalized")


class MismatchError(Exception):
    """A fixture's expectation does not hold; the message is the report."""


class FixtureItem(pytest.Item):
    """What the kinds of tests share: where they are and how they fail."""

    @property
    def home(self) -> Path:
        return self.path.parent

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from streamlab.errors import StreamlabError

        if isinstance(excinfo.value, MismatchError | StreamlabError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.home.name}: {self.name}"


class FindingsItem(FixtureItem):
    """The rules still say what findings.json says."""

    def runtest(self) -> None:
        from streamlab import regression

        fixture = regression.read_fixture(self.home)
        found = regression.found_in(fixture.exchange)
        if found != fixture.findings:
            expected, actual = regression.findings_text(fixture.findings or []), regression.findings_text(found)
            raise MismatchError(_text_diff(expected, actual, "the findings are not those of findings.json"))


class NormalizedItem(FixtureItem):
    """The normalizer under test still makes expected.sse of the body."""

    def runtest(self) -> None:
        from streamlab import regression

        make = regression.machine_factory(self.config.getoption("--streamlab-normalizer"))
        mismatch = regression.check_normalized(regression.read_fixture(self.home), make)
        if mismatch is not None:
            raise MismatchError(f"{self.home.name}: {mismatch}")


class GatewayItem(FixtureItem):
    """The gateway under test makes expected.sse of the fixture its upstream plays."""

    def runtest(self) -> None:
        from streamlab import regression

        fixture = regression.read_fixture(self.home)
        mismatch = _gateway(self.config).judge(fixture)
        if mismatch is not None:
            raise MismatchError(f"{self.home.name}: {mismatch}")


class UpdateItem(FixtureItem):
    """Rewrites the expectations with what streamlab says now."""

    def runtest(self) -> None:
        from streamlab import regression

        regression.write_expectations(self.home, regression.read_fixture(self.home).exchange)


_GATEWAY = pytest.StashKey["Gateway"]()


def _gateway(config: pytest.Config) -> Gateway:
    from streamlab.gateway_testing import Gateway

    if _GATEWAY not in config.stash:
        gateway = Gateway(config.getoption("--streamlab-gateway"), config.getoption("--streamlab-upstream"))
        config.stash[_GATEWAY] = gateway
        config.add_cleanup(gateway.close)
    return config.stash[_GATEWAY]


def _text_diff(expected: str, actual: str, title: str) -> str:
    from difflib import unified_diff

    lines = unified_diff(expected.splitlines(), actual.splitlines(), "findings.json", "found now", lineterm="")
    return "\n".join((title, *lines))


# -- for tests that people write themselves ----------------------------------------------------------------------


def _named(request: pytest.FixtureRequest) -> Path:
    marker = request.node.get_closest_marker("streamlab")
    if marker is None or not marker.args:
        raise pytest.UsageError('mark the test with @pytest.mark.streamlab("path/of/fixture")')
    for base in (request.path.parent, request.config.rootpath):
        if (found := base / marker.args[0] / _META).exists():
            return Path(found).parent
    raise pytest.UsageError(f"no fixture {marker.args[0]!r} beside {request.path} or below {request.config.rootpath}")


@pytest.fixture
def streamlab_exchange(request: pytest.FixtureRequest) -> Exchange:
    """The exchange that the test's ``streamlab`` marker names."""
    from streamlab.storage.exchange_dir import read_exchange_dir

    return read_exchange_dir(_named(request))


@pytest.fixture
def streamlab_replay(request: pytest.FixtureRequest) -> Iterator[BackgroundReplay]:
    """A replay server on loopback that plays the marked fixture at once to any client; use its ``base_url``.

    Keywords of the marker go to the replay: ``@pytest.mark.streamlab("glm4-newline", segments="byte", speed=1)``.
    """
    from streamlab.replaying import BackgroundReplay, playables

    home = _named(request)
    marker = request.node.get_closest_marker("streamlab")
    options = dict(marker.kwargs) if marker is not None else {}
    speed = float(options.pop("speed", 0))
    with BackgroundReplay(playables([str(home)], **options), speed=speed, answer_anything=True) as replay:
        yield replay
