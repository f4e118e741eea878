"""The pytest plugin: every fixture directory is a test, with no Python written.

A directory that holds ``exchange.json`` gives up to two tests: *findings* (the rules still say what findings.json
says) and *normalized* (the normalizer under test still makes expected.sse of body.sse, however it is cut). This module
imports nothing heavy until a fixture is run, for it is loaded by every pytest of the environment it is installed in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from streamlab.exchange import Exchange
    from streamlab.workflows.gateway import Gateway
    from streamlab.workflows.regression.comparisons import Comparison
    from streamlab.workflows.regression.machines import MachineFactory
    from streamlab.workflows.replay import BackgroundReplay

_META = "exchange.json"
_EXACT, _MEANING = "exact", "meaning"


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
    group.addoption("--streamlab-model", metavar="NAME", help="Ask the gateway for this model, not the recorded one.")
    group.addoption(
        "--streamlab-compare",
        choices=(_EXACT, _MEANING),
        default=_EXACT,
        help="exact: the same events with the same JSON. meaning: a client holds the same at the end (text, tool "
        "calls, finish reason, usage) and nothing at error level is left; ids and how the text is cut may differ.",
    )
    group.addoption("--streamlab-update", action="store_true", help="Rewrite expected.sse and findings.json.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "streamlab(name, **options): the fixture directory that streamlab_* use")
    gateway, upstream = config.getoption("--streamlab-gateway"), config.getoption("--streamlab-upstream")
    if bool(gateway) != bool(upstream):
        raise pytest.UsageError("--streamlab-gateway and --streamlab-upstream go together")
    if gateway and config.getoption("--streamlab-normalizer"):
        raise pytest.UsageError("test either a gateway or a normalizer")
    if gateway and (getattr(config.option, "numprocesses", None) or 0) > 1:
        raise pytest.UsageError("a gateway has one upstream address: run without -n")
    if config.getoption("--streamlab-normalizer"):
        config.stash[_MACHINES] = _machines(config)


def _machines(config: pytest.Config) -> MachineFactory:
    """The normalizer that was named; the folder pytest was started in may hold it, as for ``python -m pytest``."""
    from streamlab.errors import UsageError
    from streamlab.workflows.regression.machines import machine_factory

    here = str(config.invocation_params.dir)
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return machine_factory(config.getoption("--streamlab-normalizer"))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


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
        from streamlab.workflows.regression.findings import findings_text, found_in
        from streamlab.workflows.regression.fixture import read_fixture

        fixture = read_fixture(self.home)
        expected, actual = findings_text(fixture.findings or []), findings_text(found_in(fixture.exchange))
        if actual != expected:
            raise MismatchError(_text_diff(expected, actual, "the findings are not those of findings.json"))


class NormalizedItem(FixtureItem):
    """The normalizer under test still makes expected.sse of the body."""

    def runtest(self) -> None:
        from streamlab.workflows.regression.fixture import read_fixture
        from streamlab.workflows.regression.judging import check_normalized
        from streamlab.workflows.regression.machines import our_machine

        make = self.config.stash.get(_MACHINES, our_machine)
        mismatch = check_normalized(read_fixture(self.home), make, _comparison(self.config))
        if mismatch is not None:
            raise MismatchError(f"{self.home.name}: {mismatch}")


class GatewayItem(FixtureItem):
    """The gateway under test makes expected.sse of the fixture its upstream plays."""

    def runtest(self) -> None:
        from streamlab.workflows.gateway import can_be_asked
        from streamlab.workflows.regression.fixture import read_fixture

        fixture = read_fixture(self.home)
        if not can_be_asked(fixture.exchange):
            pytest.skip("the recorded request is not one that a client of a gateway sends")
        mismatch = _gateway(self.config).judge(fixture)
        if mismatch is not None:
            raise MismatchError(f"{self.home.name}: {mismatch}")


class UpdateItem(FixtureItem):
    """Rewrites the expectations with what streamlab says now."""

    def runtest(self) -> None:
        from streamlab.workflows.regression.fixture import read_fixture, write_expectations

        write_expectations(self.home, read_fixture(self.home).exchange)


_MACHINES = pytest.StashKey["MachineFactory"]()
_GATEWAY = pytest.StashKey["Gateway"]()


def _comparison(config: pytest.Config) -> Comparison:
    from streamlab.workflows.regression.comparisons import exactly, in_meaning

    return exactly if config.getoption("--streamlab-compare") == _EXACT else in_meaning


def _gateway(config: pytest.Config) -> Gateway:
    """The one of this run; a run that cannot have one ends, for no fixture would fare better."""
    from streamlab.errors import StreamlabError
    from streamlab.workflows.gateway import Gateway

    if _GATEWAY not in config.stash:
        url, upstream = config.getoption("--streamlab-gateway"), config.getoption("--streamlab-upstream")
        try:
            gateway = Gateway(url, upstream, config.getoption("--streamlab-model"), _comparison(config))
        except StreamlabError as error:
            pytest.exit(f"streamlab: {error}", returncode=error.exit_code)
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
    if marker is None or len(marker.args) != 1:
        raise pytest.UsageError('mark the test with @pytest.mark.streamlab("path/of/fixture")')
    root, beside = request.config.rootpath, request.path.parent
    for base in (beside, beside / "fixtures", root, root / "fixtures"):
        if (found := base / marker.args[0] / _META).exists():
            return Path(found).parent
    raise pytest.UsageError(
        f"no fixture {marker.args[0]!r} beside {request.path}, below {root}, or in a folder fixtures/ of either"
    )


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
    from streamlab.workflows.replay import BackgroundReplay, playables

    home = _named(request)
    marker = request.node.get_closest_marker("streamlab")
    options = dict(marker.kwargs) if marker is not None else {}
    speed = float(options.pop("speed", 0))
    with BackgroundReplay(playables([str(home)], **options), speed=speed, answer_anything=True) as replay:
        yield replay
