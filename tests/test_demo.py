"""The demo: as a user runs it, over real sockets, with the real recorder."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from streamlab.cli import COMMANDS
from streamlab.demo.acts import Act, acts
from streamlab.demo.clients import Client, ClientOutcome, ask_with_httpx, ask_with_openai, best_client
from streamlab.demo.event_client import ask_by_events
from streamlab.demo.performance import RecordedHop, perform
from streamlab.demo.place import database
from streamlab.demo.programme import closing, evidence, opening, show
from streamlab.demo.recording import TapLine, free_ports, recorder
from streamlab.demo.testing import fixtures_folder, run_as_tests, show_tests
from streamlab.errors import CouldNotRunError
from streamlab.exchange import Ending
from streamlab.judging.analyzer import analyze
from streamlab.standins import in_thread, serve_scenario, standin_in_thread
from streamlab.standins.base import WEATHER_TOOL, chat
from streamlab.storage.exchange_dir import read_exchange_dir

CAPTURES = Path(__file__).parents[1] / "captures"
HTTPX = Client("httpx", ask_with_httpx)


def act(name: str) -> Act:
    return next(one for one in acts() if one.name == name)


def run_demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streamlab", "demo", *arguments]
    variables = {key: value for key, value in os.environ.items() if key != "STREAMLAB_DB"} | environment
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=600, check=False)


# --- the whole of it ------------------------------------------------------------------------------------------------


def test_the_demo_shows_every_system_and_succeeds(tmp_path: Path) -> None:
    done = run_demo(tmp_path, "--db", "demo.db", "--write-captures", "written", "--fixtures", "fixtures")
    assert done.returncode == 0, done.stdout + done.stderr
    for one in acts():
        assert one.system in done.stdout
        assert one.scenario.blame in done.stdout
    assert f"{len(acts())} of {len(acts())} systems" in done.stdout
    assert done.stdout.count("\n  known for   ") == 6
    assert best_client().name in done.stderr
    assert "\x1b" not in done.stdout
    assert "streamlab check 1 --db demo.db" in done.stdout
    assert (tmp_path / "demo.db").exists()
    names = {one.name for one in acts()} | {one.behind_name for one in acts() if one.scenario.behind}
    assert {folder.name for folder in (tmp_path / "fixtures").iterdir()} == names
    assert all((tmp_path / "fixtures" / name / "expected.sse").exists() for name in names)
    assert f"{len(names)} regression fixtures exported. $ pytest fixtures\n{2 * len(names)} passed" in done.stdout
    written = {folder.name for folder in (tmp_path / "written").iterdir()}
    assert written == names


def test_fixtures_that_fail_are_shown_and_fail_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcomes = perform([act("glm4-tool-ids")], HTTPX, tmp_path / "demo.db")
    with fixtures_folder(None, keep=False) as folder:
        assert run_as_tests(outcomes, folder).green
        monkeypatch.setattr("streamlab.demo.testing.write_expectations", lambda path, _: None)
        expected = folder / "glm4-tool-ids" / "expected.sse"
        expected.write_bytes(expected.read_bytes().replace(b"look_up_weather", b"look_down"))
        tested = run_as_tests(outcomes, folder)
    assert not tested.green
    assert not folder.exists()
    screen = io.StringIO()
    show_tests(Console(file=screen, width=200), tested)
    assert "the normalized stream is not what is expected" in screen.getvalue()


def test_the_demo_needs_no_client_but_httpx(tmp_path: Path) -> None:
    outcomes = perform(acts(), HTTPX, tmp_path / "demo.db")
    assert [outcome.act.name for outcome in outcomes if not outcome.as_expected] == []


def test_on_a_terminal_it_is_a_table_without_anything_dangerous(tmp_path: Path) -> None:
    [outcome] = perform([act("glm4-newline")], HTTPX, tmp_path / "demo.db")
    outcome.seen.error = "Boom: \x1b]0;title\x07 [red]markup[/red]"
    screen = io.StringIO()
    show(Console(file=screen, force_terminal=True, width=200, color_system=None), [outcome])
    drawn = screen.getvalue()
    assert "plain-text-in-data" in drawn
    assert "[red]markup[/red]" in drawn
    assert "\x1b]0" not in drawn


def test_the_demo_records_into_the_captures_folder_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STREAMLAB_DB", raising=False)
    (tmp_path / "captures").mkdir()
    with database(None, keep=False) as place:
        outcomes = perform([act("glm4-newline")], HTTPX, place.path)
    assert (tmp_path / "captures" / "streamlab.db").exists()
    beside = Path(sys.executable).with_name("streamlab")
    for path, called in ((str(beside.parent), "streamlab"), ("", str(beside))):  # before the environment is activated
        monkeypatch.setenv("PATH", path)
        tries = str(closing(outcomes, place, COMMANDS)).splitlines()[3:]
        assert [tries[0], tries[-1].partition("   #")[0]] == [f"  {called} ls", f"  {called} replay 1 --match any"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_told_to_stop_takes_its_temporary_files_along(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "streamlab", "demo", "--no-keep"]
    variables = {key: value for key, value in os.environ.items() if key != "STREAMLAB_DB"}
    scratch, home = tmp_path / "scratch", tmp_path / "home"
    scratch.mkdir()
    home.mkdir()
    with subprocess.Popen(
        command, cwd=home, env=variables | {"TMPDIR": str(scratch)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stderr is not None
        assert running.stderr.readline()
        running.send_signal(number)
        running.communicate(timeout=300)
    assert running.returncode == 128 + number
    assert list(scratch.iterdir()) == []


def test_a_second_demo_judges_its_own_recordings_only(tmp_path: Path) -> None:
    first = perform([act("chatglm3-short-empty")], HTTPX, tmp_path / "demo.db")
    second = perform([act("chatglm3-short-empty")], HTTPX, tmp_path / "demo.db")
    assert second[0].front.id > first[0].front.id


@pytest.mark.parametrize("keep", [True, False])
def test_without_a_captures_folder_the_recording_is_temporary(
    keep: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STREAMLAB_DB", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with database(None, keep=keep) as place:
        place.path.touch()
        assert place.option == f" --db {place.path}"
    assert place.stays is keep
    assert place.path.exists() is keep


# --- what the client saw --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", [HTTPX, Client("openai-python", ask_with_openai)], ids=lambda client: client.name)
def test_clients_see_the_bugs_people_report(client: Client) -> None:
    if client is not HTTPX:
        pytest.importorskip("openai")

    def ask(name: str, body: dict[str, Any], **options: Any) -> ClientOutcome:
        with standin_in_thread(name, gap_ms=0, **options) as standin:
            return client.ask(standin.base_url, body)

    newline = ask("glm4", chat("glm-4", "How can I sleep better?"))
    assert "JSONDecodeError" in newline.told()
    assert newline.text == "\nGood sleep starts in the evening.\n\n"
    calls = ask("glm4", chat("glm-4", "What is the weather in Oslo?", tools=[WEATHER_TOOL]), version="ef015f8")
    assert "ids for one tool call" in calls.told()
    assert ask("chatglm3", chat("m", "三加四等于几？只写数字。")).told() == "no text and no error: an empty answer"
    stops = ask("oneapi-gemini", chat("m", "Why is the sea salty?"), version="v0.6.6")
    assert stops.told() == "“Rivers carry dissolved minerals to the” when it stops at the first stop; there are 3"
    assert ask("oneapi-gemini", chat("m", "Count to six.")).told().endswith("finish_reason None")
    good = ask("openai", chat("gpt-4.1", "Count to six."))
    assert good.told() == "“One, two, three, four, five, six.”, finish_reason stop"
    assert "500" in ask("glm4", chat("m", "Hello"), version="ef015f8").told()
    for name, reason in (
        ("messages-gateway-no-terminal", "stop_reason None"),
        ("anthropic-thinking", "stop_reason end_turn"),
        ("responses-gateway-failure-as-completed", "status completed"),
    ):
        scenario = act(name).scenario
        with in_thread(serve_scenario(act(name).standin, scenario, gap_ms=0)) as standin:
            assert ask_by_events(f"{standin.base_url}{scenario.path}", scenario.body).told().endswith(f", {reason}")


def test_what_is_told_is_harmless_on_a_terminal() -> None:
    assert "\x1b" not in ClientOutcome(error="Boom: \x1b[31m").told()
    assert "\x1b" not in ClientOutcome(chunks=1, text="\x1b]0;x\x07").told()
    assert "\x1b" not in ClientOutcome(chunks=1, tool_ids=["\x1bone", "two"]).told()


def test_httpx_is_used_where_openai_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    assert best_client().name.startswith("httpx ")


# --- what was recorded ----------------------------------------------------------------------------------------------


def test_both_sides_of_a_gateway_are_recorded(tmp_path: Path) -> None:
    [outcome] = perform([act("oneapi-tgi-no-space")], HTTPX, tmp_path / "demo.db")
    assert outcome.as_expected
    assert outcome.front.exchange.body == b""
    assert outcome.behind is not None
    assert outcome.behind.exchange.body.startswith(b'data:{"id":""')
    assert outcome.behind.exchange.ending is Ending.COMPLETE


def test_a_finding_that_does_not_come_is_told(tmp_path: Path) -> None:
    hopeful = replace(act("chatglm3-short-empty"), rules=("empty-200", "done-duplicate-or-early"))
    [outcome] = perform([hopeful], HTTPX, tmp_path / "demo.db")
    assert outcome.front.missing == ("done-duplicate-or-early",)
    assert not outcome.as_expected


def test_a_finding_about_a_good_system_is_not_as_expected(tmp_path: Path) -> None:
    innocent = replace(act("chatglm3-short-empty"), rules=())
    [outcome] = perform([innocent], HTTPX, tmp_path / "demo.db")
    assert not outcome.as_expected


def test_a_recorder_that_cannot_run_is_told(tmp_path: Path) -> None:
    (tmp_path / "demo.db").write_bytes(b"this is no database at all, not even nearly" * 100)
    tap = TapLine("x", free_ports(1)[0], "http://127.0.0.1:9")
    with pytest.raises(CouldNotRunError, match="recorder"), recorder(tmp_path / "demo.db", "demo", [tap]):
        pass


# --- the captures that are shipped ----------------------------------------------------------------------------------

SHIPPED = [(one.name, one.rules) for one in acts()]
SHIPPED += [(one.behind_name, one.behind_rules) for one in acts() if one.scenario.behind]


@pytest.mark.parametrize(("name", "rules"), SHIPPED, ids=[name for name, _ in SHIPPED])
def test_shipped_captures_still_show_what_they_are_shipped_for(name: str, rules: tuple[str, ...]) -> None:
    exchange = read_exchange_dir(CAPTURES / name)
    assert exchange.timing_known
    found = {finding.rule for finding in analyze(exchange).findings}
    assert set(rules) <= found


@pytest.mark.parametrize("name", ["openai-plain", "responses-tool", "anthropic-thinking"])
def test_what_is_shipped_as_conforming_draws_no_finding(name: str) -> None:
    found = {finding.rule for finding in analyze(read_exchange_dir(CAPTURES / name)).findings}
    assert found <= {"obfuscation-present"}  # which OpenAI itself sends; it is told, since it is no text


def test_nothing_else_is_shipped() -> None:
    folders = {folder.name for folder in CAPTURES.iterdir() if folder.is_dir()}
    assert folders == {name for name, _ in SHIPPED}


def test_an_answer_is_counted_in_the_singular_and_its_clients_are_named():
    exchange = read_exchange_dir(CAPTURES / "glm4-follow-up-500")
    hop = RecordedHop(1, exchange, analyze(exchange), ())
    whole = replace(hop.report.findings[0], span=None)
    assert evidence(hop, whole) == "HTTP 500 text/plain: 21 bytes, 1 event, complete"
    with database(None, keep=False) as place:
        said = opening(21, "openai-python 1.0", place)
    assert "chat by openai-python 1.0, Messages and Responses by a loop" in said
