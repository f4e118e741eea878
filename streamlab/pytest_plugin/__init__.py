"""The pytest plugin: every fixture directory is a test, with no Python written.

A directory that holds ``exchange.json`` gives up to two tests: *findings* (the rules still say what findings.json
says) and *normalized* (the normalizer under test still makes expected.sse of body.sse, however it is cut). This module
imports nothing heavy until a fixture is run, for it is loaded by every pytest of the environment it is installed in.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streamlab.pytest_plugin.end_of_run import META, PROPERTY, EndOfRun
from streamlab.pytest_plugin.garbage import Garbage

if TYPE_CHECKING:
    from streamlab.exchange import Exchange
    from streamlab.pytest_plugin.known import Listeners
    from streamlab.workflows.gateway import Gateway
    from streamlab.workflows.regression.comparisons import Comparison
    from streamlab.workflows.regression.fixture import Fixture
    from streamlab.workflows.regression.machines import MachineFactory
    from streamlab.workflows.regression.recording import LiveRecorder
    from streamlab.workflows.replay import BackgroundReplay

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
    _replay_options(group)


def _replay_options(group: pytest.OptionGroup) -> None:
    """Options for tests that people write themselves."""
    group.addoption(
        "--streamlab-match",
        choices=("strict", "ladder", "any"),
        default="strict",
        help="What may differ between a test's request and the recorded one that answers it: what is declared "
        "(ignore=...); also labels such as metadata and user; everything. A marker's match= wins.",
    )
    group.addoption(
        "--streamlab-record",
        choices=("none", "once", "new"),
        default="none",
        help="Ask the real server (OPENAI_BASE_URL, or OpenAI) and keep the answers as fixtures: never; where the "
        "marked fixture does not exist; also what an existing one has no answer for. Refused where CI is set.",
    )
    group.addoption("--streamlab-record-in-ci", action="store_true", help="Record although CI is set.")
    group.addoption(
        "--streamlab-unused",
        choices=("report", "fail"),
        default="report",
        help="What to do about fixtures that answered nothing in this run.",
    )


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
    config.pluginmanager.register(EndOfRun(config))
    config.stash[_GARBAGE] = Garbage(config)
    recording = config.getoption("--streamlab-record") != "none"
    if recording and os.environ.get("CI") and not config.getoption("--streamlab-record-in-ci"):
        raise pytest.UsageError(
            "--streamlab-record asks a real server; where CI is set it needs --streamlab-record-in-ci"
        )


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


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A fixture's own, where nothing else is in it; None leaves it to others."""
    if not os.path.exists(f"{path}{os.sep}{META}"):
        return None
    from streamlab.pytest_plugin.fixture_directory import FixtureDirectory, is_fixture

    listeners = _listeners(parent.config)
    if not is_fixture(path, parent.config, listeners):
        return None
    kept: dict[str, Any] = {"stands_for": FixtureCollector, "listeners": listeners}
    collector: pytest.Collector = FixtureDirectory.from_parent(parent, path=path, **kept)
    return collector


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name == META and file_path.with_name("body.sse").exists():
        collector: pytest.Collector = FixtureCollector.from_parent(parent, path=file_path)
        return collector
    return None


class FixtureCollector(pytest.File):
    """One fixture directory."""

    def collect(self) -> Iterator[pytest.Item]:
        config, home = self.config, str(self.path.parent)
        if config.getoption("--streamlab-update"):
            yield UpdateItem.from_parent(self, name="update")
            return
        alone = not (config.getoption("--streamlab-normalizer") or config.getoption("--streamlab-gateway"))
        if alone and os.path.exists(f"{home}{os.sep}findings.json"):
            yield FindingsItem.from_parent(self, name="findings")
        if os.path.exists(f"{home}{os.sep}expected.sse"):
            kind = GatewayItem if config.getoption("--streamlab-gateway") else NormalizedItem
            yield kind.from_parent(self, name="normalized")


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(isinstance(item, FixtureItem) for item in session.items):
        _run_shortly(session.config)
        session.config.stash[_GARBAGE].collected(all(map(_is_left_alone, session.items)))


def _run_shortly(config: pytest.Config) -> None:
    """Run our tests without what concerns none of them."""
    from streamlab.pytest_plugin.one_message import OneMessage
    from streamlab.pytest_plugin.plain_imports import import_plainly
    from streamlab.pytest_plugin.short_way import ShortWay

    import_plainly(config)
    listeners = _listeners(config)
    message = OneMessage(config, listeners)
    garbage = config.stash[_GARBAGE]
    for one in (message, ShortWay(config, listeners, _is_left_alone, message, garbage.tests_ours)):
        config.pluginmanager.register(one)


def _listeners(config: pytest.Config) -> Listeners:
    """Those of this run, asked for only where there are fixtures."""
    from streamlab.pytest_plugin.known import Listeners

    if _LISTENERS not in config.stash:
        config.stash[_LISTENERS] = Listeners(config)
        config.pluginmanager.register(config.stash[_LISTENERS])
    return config.stash[_LISTENERS]


def _is_left_alone(item: pytest.Item) -> bool:
    return isinstance(item, FixtureItem) and item.is_left_alone


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist starts a worker."""
    from streamlab.pytest_plugin.one_message import permit

    permit(node)


class MismatchError(Exception):
    """A fixture's expectation does not hold; the message is the report."""


class FixtureItem(pytest.Item):
    """What the kinds of tests share: where they are and how they fail."""

    @property
    def is_left_alone(self) -> bool:
        """Whether it runs nobody's code but ours, and reaches nothing outside."""
        return False

    @property
    def home(self) -> Path:
        return self.path.parent

    def fixture(self) -> Fixture:
        """What lies in the directory, read once for the tests of it that follow one another."""
        from streamlab.workflows.regression.fixture import read_fixture

        read = self.config.stash.get(_READ, None)
        if read is None or read.path != self.home:
            read = self.config.stash[_READ] = read_fixture(self.home)
        return read

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from streamlab.errors import StreamlabError

        if isinstance(excinfo.value, MismatchError | StreamlabError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.home.name}: {self.name}"


class FindingsItem(FixtureItem):
    """The rules still say what findings.json says."""

    is_left_alone = True

    def runtest(self) -> None:
        from streamlab.workflows.regression.findings import are_written_alike, as_written, findings_text, summaries

        fixture = self.fixture()
        expected, actual = fixture.findings or [], summaries(fixture.exchange)
        if not are_written_alike(expected, actual) and not are_written_alike(expected, actual := as_written(actual)):
            title = "the findings are not those of findings.json"
            raise MismatchError(_text_diff(findings_text(expected), findings_text(actual), title))


class NormalizedItem(FixtureItem):
    """The normalizer under test still makes expected.sse of the body."""

    @property
    def is_left_alone(self) -> bool:
        """Where the normalizer is ours."""
        return _MACHINES not in self.config.stash

    def runtest(self) -> None:
        from streamlab.workflows.regression.judging import check_normalized
        from streamlab.workflows.regression.machines import our_machine

        make = self.config.stash.get(_MACHINES, our_machine)
        mismatch = check_normalized(self.fixture(), make, _comparison(self.config))
        if mismatch is not None:
            raise MismatchError(f"{self.home.name}: {mismatch}")


class GatewayItem(FixtureItem):
    """The gateway under test makes expected.sse of the fixture its upstream plays."""

    def runtest(self) -> None:
        from streamlab.workflows.gateway import can_be_asked

        fixture = self.fixture()
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
_READ = pytest.StashKey["Fixture"]()
_GATEWAY = pytest.StashKey["Gateway"]()
_LISTENERS = pytest.StashKey["Listeners"]()
_GARBAGE = pytest.StashKey[Garbage]()


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


def _marked(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """The name and the keywords of a test's marker."""
    marker = request.node.get_closest_marker("streamlab")
    if marker is None or len(marker.args) != 1:
        raise pytest.UsageError('mark the test with @pytest.mark.streamlab("path/of/fixture")')
    return marker.args[0], dict(marker.kwargs)


def _bases(request: pytest.FixtureRequest) -> tuple[Path, ...]:
    root, beside = request.config.rootpath, request.path.parent
    return beside, beside / "fixtures", root, root / "fixtures"


def _named(request: pytest.FixtureRequest) -> Path:
    name, _ = _marked(request)
    for base in _bases(request):
        if (found := base / name / META).exists():
            return Path(found).parent
    raise pytest.UsageError(
        f"no fixture {name!r} beside {request.path}, below {request.config.rootpath}, or in a folder fixtures/ of "
        "either; --streamlab-record=once records it"
    )


@pytest.fixture
def streamlab_exchange(request: pytest.FixtureRequest) -> Exchange:
    """The exchange that the test's ``streamlab`` marker names."""
    from streamlab.storage.exchange_dir import read_exchange_dir

    return read_exchange_dir(_named(request))


@pytest.fixture
def streamlab_replay(request: pytest.FixtureRequest) -> Iterator[BackgroundReplay | LiveRecorder]:
    """A replay server on loopback that plays the marked fixture at once to a client; use its ``base_url``.

    Keywords of the marker go to the replay: ``@pytest.mark.streamlab("glm4-newline", segments="byte", speed=1)``;
    ``match`` and ``ignore`` say what may differ in a request. What nothing recorded answers fails the test when it
    ends; connections to other machines are refused meanwhile (``network=True`` lets them through). ``requests`` holds
    what was asked.
    """
    from streamlab.servers.posix import need_posix

    need_posix("streamlab_replay")
    from streamlab.workflows.regression import recording, replayed

    name, options = _marked(request)
    mode, may_reach = request.config.getoption("--streamlab-record"), bool(options.pop("network", False))
    bases = _bases(request)
    if mode != "none" and not any((base / name / META).exists() for base in bases):
        with recording.LiveRecorder(bases[0] / name, recording.upstream()) as live:
            yield live
        return
    home = _named(request)
    match = str(options.get("match", request.config.getoption("--streamlab-match")))
    homes = recording.homes(home)
    with (
        replayed.open_replay(homes, request.config.rootpath, match, options) as replay,
        replayed.no_network(may_reach),
    ):
        yield replay
    request.node.user_properties.append((PROPERTY, replayed.left_behind(replay, [str(one) for one in homes], match)))
    missed = [one for one in replay.requests if one.miss is not None]
    if missed and mode == "new":
        made = recording.record_missed(missed, home, recording.upstream())
        pytest.fail(f"recorded what was missing ({len(made)}) into {home}: run the test again", pytrace=False)
    if (complaint := replayed.complaint(replay)) is not None:
        pytest.fail(complaint, pytrace=False)
