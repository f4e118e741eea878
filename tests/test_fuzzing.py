"""fuzz and shrink against real commands over real sockets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from streamlab.errors import CouldNotRunError, NotFoundError, UsageError
from streamlab.exchange import Ending
from streamlab.playback.variations import Break, broken_off, cut_at, place
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows import fuzz as fuzzing
from streamlab.workflows.fuzz import ChangedOutcome, Fuzzed
from streamlab.workflows.regression.fixture import read_fixture
from streamlab.workflows.shrink import shrink_for
from streamlab.workflows.trial import Budget, Outcome
from tests import messages, streams
from tests.interruptible import INTERRUPTIBLE

TEXT = streams.exchange(streams.sse(streams.chat_text("Grüß", " Gott", ".")))
#: A client as beginners write it: every read is decoded by itself, and only whole events are looked at.
NAIVE = """
import json, os, socket, sys, urllib.parse
url = urllib.parse.urlsplit(os.environ["OPENAI_BASE_URL"])
with socket.create_connection((url.hostname, url.port)) as sock:
    path = url.path + "/chat/completions"
    sock.sendall(f"POST {path} HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 2\\r\\n\\r\\n{{}}".encode())
    while not (data := sock.recv(65536)).endswith(b"0\\r\\n\\r\\n"):
        if not data:
            sys.exit(3)
        data.decode()
        if b"[DONE]" in data:
            break
print("fine")
"""
#: Asks, and reads to the end; whether that was the proper one, `whole` says. By hand: to load a library for HTTP takes
#: several times as long as all else that a command does which is run a hundred times.
ASK = """
import json, os, socket
host, _, path = os.environ["OPENAI_BASE_URL"].removeprefix("http://").partition("/")
answer, left, whole = b"", b"", False
with socket.create_connection(host.rsplit(":", 1), timeout=60) as sock:
    path = f"/{path}/chat/completions"
    sock.sendall(f"POST {path} HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 2\\r\\n\\r\\n{{}}".encode())
    try:
        while not whole and (data := sock.recv(65536)):
            answer += data
            whole = answer.endswith(b"\\r\\n0\\r\\n\\r\\n")
    except OSError:
        pass
body, left = b"", answer.partition(b"\\r\\n\\r\\n")[2]
while b"\\r\\n" in left:
    size, _, left = left.partition(b"\\r\\n")
    body, left = body + left[: int(size, 16)], left[int(size, 16) + 2 :]
"""
#: Reads everything, then looks: cuts do not matter to it.
PATIENT = (
    ASK
    + """
if not whole:
    raise ValueError("cut")
body = body.decode()
for line in body.splitlines():
    if line.startswith("data: {"):
        print(json.loads(line[6:])["choices"][0]["delta"].get("content", ""), end="")
if "[DONE]" not in body:
    raise ValueError("no end")
"""
)
#: As above, but takes whatever came for the whole.
CARELESS = (
    ASK.replace("answer.endswith(", "b'[DONE]' in data or answer.endswith(")
    + """
for line in body.decode(errors="replace").splitlines():
    if line.startswith("data: {") and line.endswith("}"):
        print(json.loads(line[6:])["choices"][0]["delta"].get("content", ""), end="")
"""
)
PYTHON = (sys.executable, "-S", "-E", "-c")


def fuzz(program: str, seconds: float = 600.0) -> Fuzzed:
    return fuzzing.fuzz(TEXT, (*PYTHON, program), Budget(seconds), 60.0)


def test_the_one_cut_that_matters_is_found() -> None:
    result = fuzz(NAIVE)
    assert result.complete
    assert result.before.code == 0
    smallest = result.smallest
    assert smallest is not None
    assert smallest.kind == "cut up"
    assert smallest.outcome.code == 1
    bounds = [0]
    for segment in smallest.exchange.segments:
        bounds.append(bounds[-1] + len(segment.data))
    (cut,) = bounds[1:-1]
    inside = [at for at in range(1, len(TEXT.body)) if TEXT.body[at] & 0xC0 == 0x80]
    assert cut in inside, "only a cut inside a character confuses it"
    assert f"cut after byte {cut} (in the middle of event 1)" in result.lines()[1]


def test_where_a_broken_stream_passes_for_a_whole_one_the_latest_break_is_found() -> None:
    told: list[str] = []
    result = fuzzing.fuzz(TEXT, (*PYTHON, CARELESS), Budget(600), 60.0, told.append)
    cut, *rest = result.found
    assert (cut.kind, cut.outcome.code) == (Break.CUT, 0)
    # The least that has to be missing is the end of the last event with text.
    assert len(cut.exchange.body) == TEXT.body.index(b"\n\n", TEXT.body.index(b'"."')) - 1
    assert f"{cut.told()}: exit code 0" in result.lines()
    assert rest[-1].kind == Break.STALL
    assert result.noticed == {}
    places = [line.partition(":")[0] for line in told if " after byte " in line]
    assert len(places) == len(set(places)), "nothing is tried twice"


def test_what_comes_to_the_same_at_the_same_place_is_listed_once() -> None:
    outcome = Outcome(0, b"half")
    result = Fuzzed(Outcome(0, b"whole"))
    for how, kept in ((Break.CUT, 9), (Break.RESET, 9), (Break.STALL, 5)):
        result.add([ChangedOutcome(how, f"{how} after byte {kept}", broken_off(TEXT, kept, how), outcome)])
    assert [line for line in result.lines() if "after byte" in line] == [
        "cut or reset after byte 9: exit code 0",
        "stall after byte 5: exit code 0",
    ]
    assert [one["also"] for one in result.as_json()["found"]] == [["reset"], []]


def test_that_a_missing_end_is_noticed_is_no_news() -> None:
    result = fuzz(PATIENT)
    assert result.complete
    assert [(one.kind, one.outcome.code) for one in result.found] == [(Break.STALL, None)]
    assert list(result.noticed) == [Break.CUT, Break.RESET]
    assert {one["exit_code"] for one in result.as_json()["noticed"]} == {1}
    assert "(it notices when the proper end is missing, as it should: cut: exit code 1" in "\n".join(result.lines())


def test_that_done_is_missing_is_noticed_by_one_that_goes_by_it_and_is_no_news(monkeypatch) -> None:
    monkeypatch.setattr(fuzzing, "Break", [Break.CUT, Break.RESET])  # what waits for ever takes its time
    result = fuzz(PATIENT.replace("answer.endswith(", "b'[DONE]' in data or answer.endswith("))
    assert result.complete
    assert (result.found, list(result.noticed)) == ([], [Break.CUT, Break.RESET])


def test_a_command_that_fails_undisturbed_is_not_fuzzed() -> None:
    with pytest.raises(UsageError, match=r"fails on the undisturbed stream \(exit code 1 and complains: ValueError\)"):
        fuzz(PATIENT + "\nraise ValueError('no')")


def test_a_command_that_hangs_is_stopped_and_that_is_an_outcome() -> None:
    result = fuzz(NAIVE.replace("data.decode()", "pass"))
    assert result.found[-1].outcome.code is None
    assert "still running" in "\n".join(result.lines())


def test_what_does_not_care_is_told_so() -> None:
    result = fuzz("import os, urllib.request as u\ntry: u.urlopen(os.environ['OPENAI_BASE_URL'], b'', .1).read()\n"
                  "except Exception: pass")  # fmt: skip
    assert result.found == []
    assert "no cut and no break changed the outcome" in result.lines()


#: Three bugs: a comment is taken for JSON, an event that comes twice is an error, the kind of framing is needed.
PLANTED = """
import json, os, sys, urllib.request
answer = urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/chat/completions", b"{}", timeout=60)
framing, lines = answer.headers["transfer-encoding"].lower(), []
for line in answer.read().decode().splitlines():
    if not line:
        continue
    data = line.removeprefix("data: ")
    if data != "[DONE]":
        json.loads(data)
        assert '"."' not in line or line not in lines
    lines.append(line)
"""


def test_the_smallest_fault_for_each_planted_bug_is_found() -> None:
    wanted = ["duplicate", "keepalive comment every 1ms", "close-delimited", "merge 2"]
    spend, exchange = Budget(600), streams.exchange(streams.sse(streams.chat_text("One", " two", ".")))
    result = fuzzing.fuzz(exchange, (*PYTHON, PLANTED), spend, 60.0, faults=wanted)
    found = {one.kind: one for one in result.found if one.kind in wanted}
    assert found["duplicate"].description == "at 3e: duplicate"
    assert found["duplicate"].outcome.complaint == "AssertionError"
    assert found["keepalive comment every 1ms"].outcome.complaint == "json.decoder.JSONDecodeError"
    assert found["close-delimited"].outcome.complaint == "AttributeError"
    assert "merge 2" not in found
    assert result.complete


@pytest.mark.parametrize("text", ["dupplicate", "503", "at 3e: hop"])
def test_what_is_no_fault_to_try_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        fuzzing.fuzz(TEXT, (*PYTHON, PLANTED), Budget(600), 60.0, faults=[text])


def test_a_budget_is_kept() -> None:
    result = fuzz(NAIVE, 0.0)
    assert not result.complete
    assert result.runs == 2
    assert "nothing was found in time" in result.lines()


def test_output_that_changes_by_itself_is_not_compared() -> None:
    result = fuzz(PATIENT + "\nimport time\nprint(time.time_ns())")
    assert result.code_only
    assert list(result.noticed) == [Break.CUT, Break.RESET]


@pytest.mark.parametrize(
    ("command", "error", "message"),
    [
        (("no-such-command-anywhere",), NotFoundError, "no such command"),
        ((*PYTHON, "pass"), CouldNotRunError, "never asked"),
        ((*PYTHON, PATIENT + "\nopen('ran before', 'x')"), CouldNotRunError, "no steady outcome: exit code 0, then"),
    ],
)
def test_what_cannot_be_fuzzed_is_said(
    command: Sequence[str], error: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        fuzzing.fuzz(TEXT, command, Budget(600), 60.0)


# -- variations ------------------------------------------------------------------------------------------------------


def test_variations_keep_the_bytes() -> None:
    size = len(TEXT.body)
    assert cut_at(TEXT, [1, 5, size - 1]).body == TEXT.body
    assert [len(one.data) for one in cut_at(TEXT, [1, 5]).segments] == [1, 4, size - 5]
    for kept in (0, 1, 300, size):
        broken = broken_off(TEXT, kept, Break.RESET)
        assert broken.body == TEXT.body[:kept]
        assert broken.ending is Ending.UPSTREAM_CUT
    assert broken_off(TEXT, 5, Break.STALL).ending is Ending.TIMED_OUT


def test_places_are_told_by_event() -> None:
    first = len(TEXT.segments[0].data)
    assert place(TEXT, 0) == "before the first event"
    assert place(TEXT, 5) == "in the middle of event 0"
    assert place(TEXT, first) == "between events 0 and 1"
    assert place(TEXT, len(TEXT.body)) == "after the last byte"


# -- shrink ----------------------------------------------------------------------------------------------------------

TORN = b'{"choices": [{"delta": {"content": "torn'
BROKEN = streams.exchange(streams.sse([*streams.chat_text("Good")[:2], TORN, *streams.chat_text()[-1:]]))


def test_a_stream_shrinks_to_what_still_fails_the_command_in_the_same_way() -> None:
    said: list[str] = []
    smallest = shrink_for(BROKEN, Budget(60), said.append, None, (*PYTHON, PATIENT), 60.0)
    assert b"data: {" in smallest.body
    assert len(smallest.body) < 12
    assert said[-1] == f"{len(BROKEN.body)} bytes became {len(smallest.body)}"


def test_what_is_left_for_a_rule_is_as_readable_as_before() -> None:
    payloads = streams.chat_text("a", "b", "c")
    payloads[2]["id"] = "chatcmpl-other"
    exchange = streams.exchange(streams.sse(payloads))
    smallest = shrink_for(exchange, Budget(600), lambda _: None, "chunk-id-changes", (), 60.0)
    events = [line for line in smallest.body.split(b"\n\n") if line]
    assert len(events) == 2
    assert all(json.loads(event.removeprefix(b"data: "))["id"] for event in events)


@pytest.mark.parametrize(
    ("rule", "command", "message"),
    [
        (None, (), "either --rule"),
        ("done-missing", ("true",), "either --rule"),
        ("done-missing", (), "has no finding done-missing"),
        (None, (*PYTHON, PATIENT), "the command succeeds"),
    ],
)
def test_what_cannot_be_shrunk_is_said(rule: str | None, command: Sequence[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shrink_for(TEXT, Budget(600), lambda _: None, rule, command, 60.0)


# -- on the command line ---------------------------------------------------------------------------------------------


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streamlab", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, **options)  # type: ignore[call-overload]


@pytest.fixture
def broken(tmp_path: Path) -> str:
    write_exchange_dir(BROKEN, tmp_path / "broken")
    return str(tmp_path / "broken")


def test_fuzz_prints_the_smallest_writes_it_and_exits_with_1(tmp_path: Path) -> None:
    write_exchange_dir(TEXT, tmp_path / "text")
    out = str(tmp_path / "out")
    done = run("fuzz", str(tmp_path / "text"), "--json", "--to", out, "--", *PYTHON, CARELESS)
    assert done.returncode == 1, done.stderr
    answer, written = done.stdout.strip().splitlines()
    assert json.loads(answer)["found"][0]["kind"] == "cut"
    assert read_fixture(Path(written)).expected is not None
    assert "undisturbed" in done.stderr


def test_shrink_writes_a_fixture_or_prints_the_stream(tmp_path: Path, broken: str) -> None:
    done = run("shrink", broken, "--rule", "json-truncated", "--to", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    fixture = read_fixture(Path(done.stdout.strip()))
    assert "json-truncated" in [one["rule"] for one in fixture.findings or ()]
    printed = run("shrink", broken, "--rule", "json-truncated")
    assert printed.stdout.encode() == fixture.exchange.body


@pytest.mark.parametrize("command", ["fuzz", "shrink"])
def test_ctrl_c_keeps_the_best_so_far(tmp_path: Path, broken: str, command: str) -> None:
    slow = PATIENT if command == "shrink" else "import time\ntime.sleep(0.2)\n" + NAIVE.replace("data.decode()", "pass")
    arguments = [command, broken, "--to", str(tmp_path / "out"), "--", *PYTHON, slow]
    process = subprocess.Popen([*INTERRUPTIBLE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for _ in range(2):
        assert process.stderr.readline()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    if command == "shrink":
        assert read_fixture(Path(stdout.strip())).exchange.body


@pytest.mark.slow
def test_a_client_of_anthropics_is_reached_too() -> None:
    """It asks ``/v1/messages`` below an origin, and falls over a second stop of a block."""
    program = (
        "import os, socket, sys\n"  # it starts some hundred times: a client of HTTP takes ten times as long to load
        "origin, slash, path = os.environ['ANTHROPIC_BASE_URL'].removeprefix('http://').partition('/')\n"
        "line = socket.create_connection(origin.split(':'))\n"
        "key = os.environ['ANTHROPIC_API_KEY']\n"
        "line.sendall(f'POST {slash}{path}/v1/messages HTTP/1.1\\r\\nHost: {origin}\\r\\nX-Api-Key: {key}\\r\\n'\n"
        "             'Connection: close\\r\\nContent-Length: 2\\r\\n\\r\\n{}'.encode())\n"
        "body = b''.join(iter(lambda: line.recv(65536), b''))\n"
        "sys.exit(3 if body.count(b'event: content_block_stop') > 1 else 0)"
    )
    broken = messages.CASES["block-stop-repeated"].exchange
    smallest = shrink_for(broken, Budget(600), lambda _: None, None, (*PYTHON, program), 60.0)
    assert smallest.body.count(b"event: content_block_stop") == 2
    assert len(smallest.body) < len(broken.body)
