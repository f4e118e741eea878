"""The pytest plugin, as its users see it: fixture directories become tests; normalizers and gateways are judged."""

from __future__ import annotations

import gc
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h11
import httpcore
import httpx
import pytest

from streamlab.apis.registry import repair_classes
from streamlab.exchange import Request, ResponseHead
from streamlab.playback.matching import Match
from streamlab.repairing.normalizer import Normalizer
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.workflows.regression.fixture import Fixture, read_fixture, write_expectations
from streamlab.workflows.regression.replayed import Usage
from streamlab.workflows.replay import replay
from tests import streams

pytest_plugins = "pytester"
#: Runs inside this process forget the modules they loaded. Of these there must not be two: they know each other's
#: exceptions, and load each other when they are used; and tests change repairs, which the registry has loaded.
LOADED_FOR_GOOD = (h11, httpcore, httpx, repair_classes())

GOOD = streams.exchange(streams.sse(streams.chat_text()))
#: No role in the first chunk, a wrong object in all, no [DONE]: three repairs.
BAD = streams.exchange(
    streams.sse([{**one, "object": "chunk"} for one in streams.chat_text("Grüß", " Gott")], done=False)
)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with two fixtures, in a project without settings of its own."""
    pytester.makeini("[pytest]\n")
    for name, exchange in (("good", GOOD), ("bad", BAD)):
        home = pytester.path / "fixtures" / name
        write_exchange_dir(exchange, home)
        write_expectations(home, read_exchange_dir(home))
    return pytester


def _run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess("-p", "no:hypothesispytest", "fixtures", *arguments)


# -- collecting ------------------------------------------------------------------------------------------------------


def test_every_fixture_directory_is_two_tests(project: pytest.Pytester) -> None:
    result = _run(project, "-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["fixtures/bad/exchange.json::findings PASSED*"])
    result.stdout.fnmatch_lines(["fixtures/good/exchange.json::normalized PASSED*"])


def test_a_fixture_is_read_once_and_what_was_collected_is_no_garbage_meanwhile(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, bool]] = []

    def noted(path: Path) -> Fixture:
        read.append((path.name, gc.get_freeze_count() > 0))
        return read_fixture(path)

    monkeypatch.setattr("streamlab.workflows.regression.fixture.read_fixture", noted)
    _run(project).assert_outcomes(passed=4)
    assert read == [("bad", True), ("good", True)]
    assert gc.get_freeze_count() == 0


def test_what_is_not_written_down_is_not_tested(project: pytest.Pytester) -> None:
    (project.path / "fixtures/bad/findings.json").unlink()
    (project.path / "fixtures/good/expected.sse").unlink()
    _run(project).assert_outcomes(passed=2)


def test_other_json_files_are_left_alone(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("data")
    (folder / "exchange.json").write_text("{}")
    result = pytester.runpytest_inprocess("data")
    result.assert_outcomes()
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_fixture_is_chosen_by_its_path_and_by_name(project: pytest.Pytester) -> None:
    _run(project, "-k", "bad and normalized").assert_outcomes(passed=1, deselected=3)


def test_a_damaged_fixture_fails_with_one_line(project: pytest.Pytester) -> None:
    (project.path / "fixtures/bad/exchange.json").write_text('{"format": "streamlab.exchange/1", "ending": "well"}')
    (project.path / "fixtures/good/findings.json").write_text("[")
    result = _run(project)
    result.assert_outcomes(failed=3 + 1)
    result.stdout.fnmatch_lines(['*bad/exchange.json: "response" is null, but body.sse holds*'])
    result.stdout.fnmatch_lines(["*good/findings.json: not JSON*"])
    assert "Traceback" not in result.stdout.str()


def test_it_works_in_parallel_and_without_a_network(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import socket
        def refuse(*_):
            raise AssertionError("nothing here needs a network")
        socket.getaddrinfo = refuse
        """
    )
    result = project.runpytest_subprocess("-n", "2", "fixtures")
    result.assert_outcomes(passed=4)


# -- failing ---------------------------------------------------------------------------------------------------------


def test_findings_that_changed_are_shown_as_a_diff(project: pytest.Pytester) -> None:
    path = project.path / "fixtures/bad/findings.json"
    findings = json.loads(path.read_text())
    findings[0]["message"] = "something else"
    path.write_text(json.dumps(findings))
    result = _run(project)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*the findings are not those of findings.json*", '-*"message": "something else",*'])


def test_a_stream_that_changed_is_shown_event_by_event(project: pytest.Pytester) -> None:
    path = project.path / "fixtures/good/expected.sse"
    path.write_bytes(path.read_bytes().replace(b'" here"', b'" hier"'))
    result = _run(project)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["good: the normalized stream is not what is expected (whole)", "event 3", '  - *" hier"*', '  + *" here"*']
    )


def test_a_failure_names_the_repair_that_did_not_act(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlab.apis.chat.repairs.envelope import Envelope

    monkeypatch.setattr(Envelope, "event", lambda self, draft: (draft,))
    result = _run(project)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["should be gone and is not: the repair of*object-wrong (Envelope)*", "event 0"])


def test_a_failure_names_the_repair_that_acted_wrongly(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlab.apis.chat.repairs.envelope import Envelope

    repair = Envelope.event

    def clumsy(self, draft):
        done = list(repair(self, draft))
        for one in done:
            if one.is_chunk:
                one.json["model"] = "wrong"
        return done

    monkeypatch.setattr(Envelope, "event", clumsy)
    result = _run(project, "-k", "bad")
    result.stdout.fnmatch_lines(["event 0 was changed by the repair of*object-wrong (Envelope)*"])


def test_only_the_cuts_that_matter_are_shown(project: pytest.Pytester) -> None:
    at = GOOD.body.index(b" here") + 2
    project.makepyfile(
        mine=f"""
        def normalize(pieces):
            "Loses what comes from a certain byte on, when a piece begins there."
            offset = 0
            for piece in pieces:
                if offset == {at}:
                    return
                yield piece
                offset += len(piece)
        """
    )
    result = _run(project, "--streamlab-normalizer", "mine:normalize", "-k", "good")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["*(byte by byte)", f"smallest failing cut: after byte {at}", "event 3"])


# -- somebody's normalizer -------------------------------------------------------------------------------------------

OURS = """
from streamlab.repairing.normalizer import Normalizer

def function(pieces):
    machine = Normalizer()
    for piece in pieces:
        yield machine.feed(piece)
    yield machine.finish()

class Machine:
    def __init__(self):
        self._inner = Normalizer()
    def feed(self, data):
        return self._inner.feed(data)
    def finish(self):
        return self._inner.finish()

class Asleep:
    def feed(self, data):
        return data

def passes(pieces):
    return pieces

def raises(pieces):
    raise KeyError("choices")

number = 5
"""


@pytest.mark.parametrize("name", ["mine:function", "mine:Machine"])
def test_a_normalizer_may_be_a_callable_or_a_class(project: pytest.Pytester, name: str) -> None:
    project.makepyfile(mine=OURS)
    _run(project, "--streamlab-normalizer", name).assert_outcomes(passed=2)


def test_a_normalizer_is_found_where_pytest_was_started(project: pytest.Pytester) -> None:
    project.makepyfile(mine=OURS)
    result = project.runpytest_subprocess("fixtures", "--streamlab-normalizer", "mine:function")
    result.assert_outcomes(passed=2)


def test_a_normalizer_that_does_nothing_fails_where_something_was_to_be_done(project: pytest.Pytester) -> None:
    project.makepyfile(mine=OURS)
    result = _run(project, "--streamlab-normalizer", "mine:passes")
    result.assert_outcomes(passed=1, failed=1)
    assert "the repair of" not in result.stdout.str()  # ours are not asked


def test_a_normalizer_that_raises_fails_with_what_it_raised(project: pytest.Pytester) -> None:
    project.makepyfile(mine=OURS)
    result = _run(project, "--streamlab-normalizer", "mine:raises")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["it raised KeyError: 'choices'"])


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("mine", "*--streamlab-normalizer: 'mine' is not PACKAGE.MODULE:NAME*"),
        ("nowhere.at_all:x", "*cannot load the normalizer nowhere.at_all:x: No module named 'nowhere'*"),
        ("mine:missing", "*cannot load the normalizer mine:missing*"),
        ("mine:number", "*neither a callable nor a class*"),
        ("mine:Asleep", "*a class without feed and finish*"),
    ],
)
def test_a_wrong_name_ends_the_run_with_one_line(project: pytest.Pytester, name: str, complaint: str) -> None:
    project.makepyfile(mine=OURS)
    result = _run(project, "--streamlab-normalizer", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([complaint])


RENUMBERED = """
from streamlab.repairing.normalizer import Normalizer

def function(pieces):
    machine = Normalizer()
    whole = b"".join(machine.feed(piece) for piece in pieces) + machine.finish()
    yield whole.replace(b"chatcmpl-", b"mine-")

def forgets(pieces):
    yield b"".join(function(pieces)).replace(b"Spring", b"Autumn")
"""


def test_streams_can_be_compared_by_what_a_client_holds(project: pytest.Pytester) -> None:
    project.makepyfile(mine=RENUMBERED)
    _run(project, "--streamlab-normalizer", "mine:function").assert_outcomes(failed=2)
    loosely = ("--streamlab-compare", "meaning")
    _run(project, "--streamlab-normalizer", "mine:function", *loosely).assert_outcomes(passed=2)
    _run(project, "--streamlab-normalizer", "mine:forgets", *loosely).assert_outcomes(passed=1, failed=1)


# -- somebody's gateway ----------------------------------------------------------------------------------------------


class TinyGateway(ThreadingHTTPServer):
    """Forwards POSTs to an upstream over real sockets, mending what comes back when ``mends``."""

    daemon_threads = True
    repairs = True
    upstream: tuple[str, int]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Forward(BaseHTTPRequestHandler):
    server: TinyGateway

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["content-length"]))
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=10)
        try:
            upstream.request("POST", self.path, asked, {"content-type": "application/json"})
            answer = upstream.getresponse()
            headers = tuple(answer.getheaders())
            body = answer.read()
        finally:
            upstream.close()
        if self.server.repairs:
            machine = Normalizer(
                Request("POST", self.path, (), asked), ResponseHead(answer.status, headers, http_version="1.1")
            )
            body = machine.feed(body) + machine.finish()
        self.send_response(answer.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def gateway(*, repairs: bool = True) -> Iterator[TinyGateway]:
    with TinyGateway() as server:
        server.repairs = repairs
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server.upstream = free.getsockname()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _through(project: pytest.Pytester, server: TinyGateway, *more: str) -> pytest.RunResult:
    host, port = server.upstream
    return _run(project, "--streamlab-gateway", server.url, "--streamlab-upstream", f"{host}:{port}", *more)


def test_a_gateway_that_repairs_passes(project: pytest.Pytester) -> None:
    with gateway() as server:
        _through(project, server).assert_outcomes(passed=2)


def test_a_gateway_that_passes_things_on_fails_where_something_was_to_be_repaired(project: pytest.Pytester) -> None:
    with gateway(repairs=False) as server:
        result = _through(project, server)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["bad: the normalized stream is not what is expected (through the gateway)", "event 0"])


def test_a_gateway_is_asked_for_the_model_it_knows(project: pytest.Pytester) -> None:
    asked: list[bytes] = []
    with gateway() as server:
        forward = _Forward.do_POST

        class Listening(_Forward):
            def do_POST(self) -> None:
                data = self.rfile.peek()
                asked.append(data)
                forward(self)

        server.RequestHandlerClass = Listening
        _through(project, server, "--streamlab-model", "gpt-mine").assert_outcomes(passed=2)
    assert all(b'"model": "gpt-mine"' in one for one in asked)
    assert len(asked) == 2


def test_a_gateway_that_never_asks_its_upstream_is_told_so(project: pytest.Pytester) -> None:
    with gateway() as server:
        result = _run(project, "--streamlab-gateway", server.url, "--streamlab-upstream", "127.0.0.1:0")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*the gateway never asked its upstream*"])


def test_a_gateway_that_is_not_there_is_told_so(project: pytest.Pytester) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        result = _run(project, "--streamlab-gateway", url, "--streamlab-upstream", "127.0.0.1:0")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([f"*the gateway {url} cannot be reached*"])


def test_an_upstream_address_that_is_taken_ends_the_run(project: pytest.Pytester) -> None:
    with gateway() as server:
        taken = f"127.0.0.1:{server.server_address[1]}"
        result = _run(project, "--streamlab-gateway", server.url, "--streamlab-upstream", taken)
    assert result.ret == 3
    assert "Traceback" not in result.stdout.str()


def test_requests_that_no_client_sends_are_skipped(project: pytest.Pytester) -> None:
    path = project.path / "fixtures/good/exchange.json"
    path.write_text(path.read_text().replace("/v1/chat/completions", "/v1beta/models/x:streamGenerateContent"))
    with gateway() as server:
        _through(project, server).assert_outcomes(passed=1, skipped=1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--streamlab-gateway", "http://127.0.0.1:1"),
        ("--streamlab-upstream", "127.0.0.1:1"),
        ("--streamlab-gateway", "http://x", "--streamlab-upstream", "127.0.0.1:1", "--streamlab-normalizer", "a:b"),
        ("--streamlab-gateway", "http://x", "--streamlab-upstream", "127.0.0.1:1", "-n", "2"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(project: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    assert project.runpytest_subprocess("fixtures", *arguments).ret == pytest.ExitCode.USAGE_ERROR


# -- updating --------------------------------------------------------------------------------------------------------


def test_update_rewrites_the_expectations_and_nothing_else(project: pytest.Pytester) -> None:
    home = project.path / "fixtures/bad"
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    (home / "expected.sse").write_bytes(b"data: {}\n\n")
    (home / "findings.json").unlink()
    _run(project).assert_outcomes(passed=2, failed=1)
    _run(project, "--streamlab-update").assert_outcomes(passed=2)
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before
    _run(project).assert_outcomes(passed=4)


# -- for tests that people write themselves --------------------------------------------------------------------------


def test_a_marked_test_gets_a_replay_server_and_the_exchange(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_mine="""
        import httpx
        import pytest

        @pytest.mark.streamlab("good", segments="byte")
        def test_replay(streamlab_replay, streamlab_exchange):
            asked = streamlab_exchange.request
            answer = httpx.post(streamlab_replay.base_url + "/chat/completions", content=asked.body)
            assert answer.content == streamlab_exchange.body
            assert streamlab_replay.requests[0].json["stream"] is True

        @pytest.mark.streamlab("fixtures/bad", cut_after="1e")
        def test_fault(streamlab_replay, streamlab_exchange):
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.post(streamlab_replay.url_of(streamlab_exchange.request), content=streamlab_exchange.request.body)
        """
    )
    project.runpytest_inprocess("test_mine.py", "--strict-markers").assert_outcomes(passed=2)


_ASKING = """
    import json
    import httpx
    import pytest

    def ask(replay, exchange, **changed):
        body = {**json.loads(exchange.request.body), **changed}
        return httpx.post(replay.url_of(exchange.request), json=body).status_code
"""


def test_another_prompt_fails_the_test_with_what_differs_and_the_line_to_write(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_mine=_ASKING
        + """
    @pytest.mark.streamlab("good")
    def test_other(streamlab_replay, streamlab_exchange):
        assert ask(streamlab_replay, streamlab_exchange, model="other") == 404

    @pytest.mark.streamlab("good", ignore=["model"])
    def test_declared(streamlab_replay, streamlab_exchange):
        assert ask(streamlab_replay, streamlab_exchange, model="other") == 200
        """
    )
    result = project.runpytest_inprocess("test_mine.py")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*1 request found no recording:*",
            "*the nearest is good:*",
            "*model recorded*sent*other*",
            '*ignore=*"model"*',
        ]
    )


def test_what_a_project_declares_holds_for_all_its_tests(project: pytest.Pytester) -> None:
    project.makepyprojecttoml('[tool.streamlab]\nignore-members = ["model"]\n')
    project.makepyfile(
        test_mine=_ASKING
        + """
    @pytest.mark.streamlab("good")
    def test_other(streamlab_replay, streamlab_exchange):
        assert ask(streamlab_replay, streamlab_exchange, model="other") == 200
        """
    )
    project.runpytest_inprocess("test_mine.py").assert_outcomes(passed=1)


def test_what_is_said_does_not_depend_on_which_test_ends_first(tmp_path: Path) -> None:
    left = {"match": "any", "named": [str(tmp_path / "a")], "served": [], "other": 1, "tolerated": []}
    said = set()
    for order in (("t::one", "t::two"), ("t::two", "t::one")):
        usage = Usage()
        for test in order:
            usage.test_ended(test, left)
        said.add("\n".join(usage.lines()))
    [only] = said
    assert only.index("t::one") < only.index("t::two")


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_what_was_let_pass_and_what_nothing_asked_for_is_said(
    project: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    project.makepyfile(
        test_mine=_ASKING
        + """
    @pytest.mark.streamlab("good", match="ladder")
    def test_label(streamlab_replay, streamlab_exchange):
        assert ask(streamlab_replay, streamlab_exchange, user="other") == 200

    @pytest.mark.streamlab("good", match="any")
    def test_other(streamlab_replay, streamlab_exchange):
        assert ask(streamlab_replay, streamlab_exchange, model="other") == 200
        """
    )
    result = project.runpytest_subprocess("test_mine.py", "--streamlab-unused", "fail", *arguments)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*test_label: match=ladder, user may differ",
            "*test_other: match=any, 1 answered with another request's recording",
            "*bad: no test that ran names it",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    if not arguments:
        result = project.runpytest_subprocess("test_mine.py", "fixtures/bad", "--streamlab-unused", "fail")
        assert result.ret == pytest.ExitCode.OK


def test_a_test_that_replays_reaches_no_other_machine(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_mine="""
    import socket
    import pytest

    @pytest.mark.streamlab("good")
    def test_blocked(streamlab_replay):
        with pytest.raises(ConnectionError, match="this test replays"):
            socket.create_connection(("192.0.2.1", 9), timeout=5)
        socket.create_connection(streamlab_replay.address).close()
        """
    )
    project.runpytest_inprocess("test_mine.py").assert_outcomes(passed=1)


def test_a_missing_fixture_is_recorded_once_and_a_missing_answer_anew(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real recorder in front of a real server, as ``--streamlab-record`` has it; then offline."""
    project.makepyfile(
        test_mine="""
    import os
    import httpx
    import pytest

    @pytest.mark.streamlab("fixtures/made")
    def test_made(streamlab_replay):
        body = {"model": os.environ["MODEL"], "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        answer = httpx.post(streamlab_replay.base_url + "/chat/completions", json=body)
        assert answer.status_code == 200
        """
    )
    run = "test_mine.py"
    with replay(str(project.path / "fixtures" / "good"), match=Match.ANY) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("MODEL", "one")
        monkeypatch.setenv("CI", "1")
        assert project.runpytest_inprocess(run, "--streamlab-record", "once").ret == pytest.ExitCode.USAGE_ERROR
        monkeypatch.delenv("CI")
        project.runpytest_inprocess(run).assert_outcomes(errors=1)
        project.runpytest_subprocess(run, "--streamlab-record", "once").assert_outcomes(passed=1)
        monkeypatch.setenv("MODEL", "two")
        project.runpytest_subprocess(run, "--streamlab-record", "once").assert_outcomes(failed=1, errors=1)
        result = project.runpytest_subprocess(run, "--streamlab-record", "new")
        result.stdout.fnmatch_lines(["*recorded what was missing (1)*run the test again*"])
    for model in ("one", "two"):
        monkeypatch.setenv("MODEL", model)
        project.runpytest_inprocess(run).assert_outcomes(passed=1)
    assert read_exchange_dir(project.path / "fixtures" / "made" / "2").body == GOOD.body


def test_a_marker_that_names_nothing_says_where_it_looked(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_mine="""
        import pytest

        @pytest.mark.streamlab("nowhere")
        def test_one(streamlab_exchange):
            pass

        def test_two(streamlab_exchange):
            pass
        """
    )
    result = project.runpytest_inprocess("test_mine.py")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*no fixture 'nowhere' beside*", "*mark the test with @pytest.mark.streamlab*"])


# -- what it costs others --------------------------------------------------------------------------------------------


def test_loading_the_plugin_loads_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_one():
            heavy = {"asyncio", "httpx", "msgspec", "sqlite3", "rich", "click"}
            heavy |= {"streamlab.workflows.regression", "streamlab.workflows.check"}
            print("loaded:", "streamlab.pytest_plugin" in sys.modules, sorted(heavy & set(sys.modules)))
        """
    )
    others = ("-s", "-p", "no:xdist", "-p", "no:cov", "-p", "no:anyio", "-p", "no:hypothesispytest")
    with_it = pytester.runpytest_subprocess(*others).outlines
    without = pytester.runpytest_subprocess(*others, "-p", "no:streamlab").outlines
    # What pytest itself loads, on Python 3.14 asyncio, is not laid at the plugin's door.
    (said,), (usual,) = ([one for one in lines if "loaded:" in one] for lines in (with_it, without))
    assert "loaded: True" in said
    assert said.partition("True")[2] == usual.partition("False")[2]
