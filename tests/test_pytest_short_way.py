"""The plugin's short way through pytest: not to be told from the ordinary one, which any other plugin brings back."""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from streamlab.apis.registry import repair_classes
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.workflows.regression.fixture import write_expectations
from tests import streams

pytest_plugins = "pytester"
LOADED_FOR_GOOD = repair_classes()
GOOD = streams.exchange(streams.sse(streams.chat_text()))

#: A plugin that has a part in each phase of a test, and in what a directory holds: everything goes the ordinary way.
WATCHED = """
    def pytest_runtest_call(item):
        pass

    def pytest_collect_file(file_path, parent):
        pass
"""
#: Writes down what is told of each test, but for times and processes.
NOTING = """
    import json
    import pytest

    if not hasattr(pytest, "told"):
        pytest.told = []

    def _note(config, *what):
        if not hasattr(config, "workerinput"):
            pytest.told.append(what)

    class Noting:
        def __init__(self, config):
            self.config = config
        def pytest_runtest_logreport(self, report):
            said = dict(vars(report))
            node = said.pop("node", None)
            for name in ("duration", "start", "stop", "testrun_uid", "worker_id"):
                said.pop(name, None)
            said["has_node"], said["longrepr"] = node is not None, str(said["longrepr"])
            said["nodeid"] = report.nodeid
            _note(self.config, "report", {name: repr(value) for name, value in said.items()})
        def pytest_sessionfinish(self):
            if not hasattr(self.config, "workerinput"):
                (self.config.rootpath / "told.json").write_text(json.dumps(pytest.told))

    def pytest_configure(config):
        if not hasattr(config, "workerinput"):  # a listener there would have all told in messages of their own
            config.pluginmanager.register(Noting(config))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Five fixtures, of which the fourth fails twice."""
    pytester.makeini("[pytest]\n")
    for name in "abcde":
        home = pytester.path / "fixtures" / name
        write_exchange_dir(GOOD, home)
        write_expectations(home, read_exchange_dir(home))
    (pytester.path / "fixtures/d/findings.json").write_text('[{"rule": "none-such"}]\n')
    expected = pytester.path / "fixtures/d/expected.sse"
    expected.write_bytes(expected.read_bytes().replace(b'" here"', b'" hier"'))
    return pytester


@pytest.fixture
def ordinary(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tests that went the ordinary way, in runs inside this process."""
    from _pytest import runner

    went: list[str] = []
    really = runner.call_and_report

    def noted(item: pytest.Item, when: Any, **more: Any) -> pytest.TestReport:
        if when == "call" and item.config is not request.config:
            went.append(item.nodeid.replace("/exchange.json::", " ").removeprefix("fixtures/"))
        return really(item, when, **more)

    monkeypatch.setattr(
        runner, "call_and_report", lambda item, when, log=True, **more: noted(item, when, log=log, **more)
    )
    return went


def _run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:hypothesispytest", "fixtures", *arguments)


def _both(project: pytest.Pytester, *arguments: str, conftest: str = "") -> list[tuple[Any, ...]]:
    """What can be seen of a run by the short way and by the ordinary one."""
    seen = []
    for watched in ("", WATCHED):
        project.makeconftest("\n".join(map(_flat, (NOTING, conftest, watched))))
        result = project.runpytest_subprocess("-p", "no:hypothesispytest", "--junitxml=junit.xml", *arguments)
        told = json.loads(re.sub(r"0x\w+", "", (project.path / "told.json").read_text()))
        junit = [
            (one.tag, sorted((name, value) for name, value in one.attrib.items() if name not in ("time", "timestamp")))
            for one in ET.fromstring((project.path / "junit.xml").read_text()).iter()
        ]
        shown = [re.sub(r"\d+\.\d+s.*|gw\d|0x\w+|\s+\d* *\[ *\d+%\]", "", line) for line in result.outlines]
        lasted = sorted(line for line in shown if re.match(r" ?(setup|call|teardown) ", line))  # the longest came first
        seen.append((result.ret, told, junit, [*(line for line in shown if line not in lasted), *lasted]))
    return seen


def _flat(code: str) -> str:
    lines = code.splitlines()
    return "\n".join(line[4:] if line.startswith("    ") else line for line in lines)


# -- both ways alike -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("fixtures",),
        ("fixtures", "-v", "-rA", "--durations=0", "-vv"),
        ("fixtures", "-x"),
        ("fixtures", "--maxfail=2", "-s"),
        ("fixtures", "-k", "normalized and not b"),
        ("fixtures", "--setup-show"),
        ("fixtures", "--deselect", "fixtures/c/exchange.json::findings"),
        ("fixtures", "--ignore-glob=*/b/*", "--ignore=fixtures/c/exchange.json"),
        ("fixtures/a", "fixtures/c/exchange.json", "fixtures/b/exchange.json::normalized"),
        ("fixtures", "--collect-only"),
        (".", "-rA"),
    ],
    ids=" ".join,
)
def test_everything_told_is_the_same(project: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    short, ordinary = _both(project, *arguments)
    for one, other in zip(short, ordinary, strict=True):
        assert one == other


def test_everything_told_is_the_same_among_other_tests(project: pytest.Pytester) -> None:
    code = """
        import pytest

        @pytest.fixture(scope="module")
        def held():
            yield 1
            print("let go")

        def test_one(held):
            print("one")

        @pytest.mark.xfail
        def test_two(held):
            assert False
    """
    for name in ("a", "c", "zz"):
        (project.path / "fixtures" / name).mkdir(exist_ok=True)
        project.makepyfile(**{f"fixtures/{name}/test_{name}": code})
    short, ordinary = _both(project, ".", "-rA")
    for one, other in zip(short, ordinary, strict=True):
        assert one == other


MARKING = """
    import pytest

    def pytest_collection_modifyitems(items):
        for item in items:
            if "/b/" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="not now"))
            if "/d/" in item.nodeid or "/e/" in item.nodeid:
                item.add_marker(pytest.mark.xfail(strict=True))
"""
PRINTING = """
    import warnings
    from streamlab.workflows.regression import findings

    really = findings.are_written_alike

    def are_written_alike(some, others):
        print("said while it ran")
        warnings.warn("warned while it ran", stacklevel=1)
        return really(some, others)

    findings.are_written_alike = are_written_alike
"""


IGNORING = """
    def pytest_ignore_collect(collection_path):
        return True if collection_path.match("b/exchange.json") else None
"""
IGNORED_LATE = """
    def pytest_collectstart(collector):
        global collect_ignore
        if collector.name == "b":
            collect_ignore = ["fixtures/b/exchange.json", "fixtures/c/exchange.json"]
"""


@pytest.mark.parametrize(
    "conftest",
    [MARKING, PRINTING, 'collect_ignore = ["fixtures/b", "fixtures/c/exchange.json"]', IGNORING, IGNORED_LATE],
)
def test_what_a_conftest_says_is_heard(project: pytest.Pytester, conftest: str) -> None:
    short, ordinary = _both(project, "fixtures", "-rA", conftest=conftest)
    for one, other in zip(short, ordinary, strict=True):
        assert one == other


def test_a_package_that_cannot_be_set_up_fails_every_test_below_it(project: pytest.Pytester) -> None:
    (project.path / "fixtures/__init__.py").write_text("def setup_module():\n    raise OSError('no disk')\n")
    short, ordinary = _both(project, "fixtures")
    for one, other in zip(short, ordinary, strict=True):
        assert one == other
    assert short[0] == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("arguments", [("--deselect=fixtures/d",), (), ("-v",), ("--maxfail=1",)], ids=" ".join)
def test_everything_told_is_the_same_from_workers(project: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    """In which order the workers tell is theirs; each test is told of in order."""
    if "--maxfail=1" in arguments:
        (project.path / "fixtures/d/findings.json").write_text("[]\n")
    short, ordinary = _both(project, "fixtures", "-n2" if not arguments else "-n1", *arguments)
    assert short[0] == ordinary[0]
    for one, other in zip(short[1:], ordinary[1:], strict=True):
        assert sorted(map(_in_any_order, one)) == sorted(map(_in_any_order, other))
    assert [one[1]["when"] for one in short[1] if "/a/exchange.json::findings" in one[1]["nodeid"]] == [
        "'setup'",
        "'call'",
        "'teardown'",
    ] * (1 if short[1] else 0)


def _in_any_order(said: object) -> str:
    return "".join(sorted(str(said))) if re.fullmatch(r"[.F]+", str(said)) else str(said)


# -- who goes which way ----------------------------------------------------------------------------------------------


def test_only_the_ends_of_a_row_and_what_fails_go_the_ordinary_way(
    project: pytest.Pytester, ordinary: list[str]
) -> None:
    _run(project).assert_outcomes(passed=8, failed=2)
    # What was set up for the first, its directory, is undone by the second; after a failure a row begins anew.
    assert ordinary == ["a findings", "a normalized", "d findings", "d normalized", "e normalized"]


def test_a_row_ends_at_a_test_of_somebody_else(project: pytest.Pytester, ordinary: list[str]) -> None:
    project.makepyfile(**{"fixtures/cc/test_other": "def test_other():\n    pass\n"})
    _run(project, "--deselect=fixtures/d").assert_outcomes(passed=9, deselected=2)
    expected = ["a findings", "a normalized", "c normalized", "cc/test_other.py::test_other"]
    assert ordinary == [*expected, "e findings", "e normalized"]


@pytest.mark.parametrize("hook", ["protocol", "setup", "call", "teardown", "makereport"])
def test_any_plugin_with_a_part_in_a_test_brings_the_ordinary_way_back(
    project: pytest.Pytester, ordinary: list[str], hook: str
) -> None:
    project.makeconftest(f"def pytest_runtest_{hook}(item):\n    pass\n")
    _run(project).assert_outcomes(passed=8, failed=2)
    assert len(ordinary) == 10


def test_a_plugin_that_comes_late_is_noticed(project: pytest.Pytester, ordinary: list[str]) -> None:
    project.makeconftest(
        """
        class Late:
            def pytest_runtest_setup(self, item):
                pass

        def pytest_runtest_logfinish(nodeid):
            if "/b/exchange.json::findings" in nodeid:
                late.register(Late())

        def pytest_configure(config):
            global late
            late = config.pluginmanager
        """
    )
    _run(project, "--deselect=fixtures/d").assert_outcomes(passed=8, deselected=2)
    assert ordinary == [
        *(f"a {one}" for one in ("findings", "normalized")),
        "b normalized",
        *_both_of("c"),
        *_both_of("e"),
    ]


def _both_of(name: str) -> list[str]:
    return [f"{name} findings", f"{name} normalized"]


def test_a_normalizer_of_the_user_is_run_the_ordinary_way(project: pytest.Pytester, ordinary: list[str]) -> None:
    (project.path / "mine.py").write_text("def normalize(pieces):\n    return pieces\n")
    _run(project, "--streamlab-normalizer=mine:normalize").assert_outcomes(passed=4, failed=1)
    assert len(ordinary) == 5


def test_a_directory_is_asked_for_its_files_where_others_may_collect_them(project: pytest.Pytester) -> None:
    project.makepyfile(**{"fixtures/a/test_beside": "def test_beside():\n    pass\n"})
    (project.path / "fixtures/b/more").mkdir()
    project.makepyfile(**{"fixtures/b/more/test_below": "def test_below():\n    pass\n"})
    (project.path / "fixtures/c/conftest.py").write_text("collect_ignore = ['exchange.json']\n")
    _run(project).assert_outcomes(passed=8 - 2 + 2, failed=2)
    _run(project, "--doctest-glob=*.sse").assert_outcomes(passed=8 - 2 + 2, failed=2)


def test_garbage_is_looked_for_seldom_while_our_tests_run_and_as_usual_in_others(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlab.workflows.regression import findings

    before, usual, really = gc.get_threshold(), (701, 11, 12), findings.are_written_alike
    ours: list[int] = []

    def noted(*both: Any) -> bool:
        ours.append(gc.get_threshold()[0])
        return really(*both)

    monkeypatch.setattr(findings, "are_written_alike", noted)
    project.makepyfile(
        **{"fixtures/cc/test_other": f"import gc\n\ndef test_other():\n    assert gc.get_threshold() == {usual}\n"}
    )
    gc.set_threshold(*usual)
    try:
        _run(project, "--deselect=fixtures/d").assert_outcomes(passed=9, deselected=2)
        after = gc.get_threshold()
    finally:
        gc.set_threshold(*before)
    assert len(ours) == 4
    assert min(ours) > usual[0]
    assert after == usual
    assert gc.get_freeze_count() == 0


def test_our_modules_are_loaded_as_any_others_and_those_of_tests_as_pytest_does(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import sys

        def pytest_sessionfinish():
            for name in ("streamlab.judging.analyzer", "test_other"):
                print("LOADED", name, type(sys.modules[name].__loader__).__name__)
        """
    )
    project.makepyfile(**{"fixtures/cc/test_other": "def test_other():\n    pass\n"})
    result = project.runpytest_subprocess("-p", "no:hypothesispytest", "--deselect=fixtures/d", "fixtures", "-s")
    result.assert_outcomes(passed=9, deselected=2)
    result.stdout.fnmatch_lines(["*LOADED streamlab.judging.analyzer SourceFileLoader"])
    result.stdout.fnmatch_lines(["*LOADED test_other AssertionRewritingHook"])
    before = [*sys.meta_path]
    _run(project, "--deselect=fixtures/d").assert_outcomes(passed=9, deselected=2)
    assert sys.meta_path == before


#: What is garbage at the end of a run, but was there when it began, says so when it is found.
LEFT = """
    class Left:
        def __del__(self):
            raise ValueError("left behind")

    def pytest_configure(config):
        config.left = Left()
        config.left.circle = config.left

    def pytest_sessionfinish(session):
        del session.config.left
"""


def test_garbage_is_told_of_at_the_end_where_others_tests_ran(project: pytest.Pytester) -> None:
    project.makeconftest(_flat(LEFT))
    project.makepyfile(**{"fixtures/cc/test_other": "def test_other():\n    pass\n"})
    result = project.runpytest_subprocess("-Werror", "-p", "no:hypothesispytest", "--deselect=fixtures/d", "fixtures")
    result.stderr.fnmatch_lines(["*PytestUnraisableExceptionWarning*Left.__del__*"])


MESSAGES = """
    from collections import Counter

    def pytest_configure(config):
        if hasattr(config, "workerinput"):
            return
        from xdist.workermanage import WorkerController
        really, came = WorkerController.process_from_remote, Counter()
        config.stash["came"] = came

        def counted(self, event):
            came[event[0] if isinstance(event, tuple) else "end"] += 1
            return really(self, event)

        WorkerController.process_from_remote = counted

    def pytest_unconfigure(config):
        if not hasattr(config, "workerinput"):
            print("REPORTS", config.stash["came"]["testreport"])
"""


@pytest.mark.parametrize(("arguments", "reports"), [((), 3 * 3 + 5), (("-v",), 3 * 8)])
def test_a_worker_tells_of_a_test_in_one_message(
    project: pytest.Pytester, arguments: tuple[str, ...], reports: int
) -> None:
    """But for the ends of the row; and not where it is to be shown at once that a test has begun."""
    project.makeconftest(_flat(MESSAGES))
    result = project.runpytest_subprocess("-n1", "--deselect=fixtures/d", "fixtures", *arguments)
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines([f"REPORTS {reports}"])


def test_the_name_of_a_test_that_runs_is_in_the_environment(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlab.workflows.regression import findings

    running: list[str | None] = []
    really = findings.are_written_alike
    monkeypatch.setattr(
        findings,
        "are_written_alike",
        lambda *both: running.append(os.environ.get("PYTEST_CURRENT_TEST")) or really(*both),
    )
    _run(project, "--deselect=fixtures/d")
    monkeypatch.undo()
    assert running == [f"fixtures/{name}/exchange.json::findings (call)" for name in "abce"]
