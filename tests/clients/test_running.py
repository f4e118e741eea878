"""`streamlab clients`: what clients made of bytes is what they did; stand-ins, no network. One test asks a real one."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.text import Text

from streamlab.cli import main
from streamlab.clients.setups import setups, setups_called
from streamlab.clients.table import client_names
from streamlab.comparing.held import ClientRow, Reaction, TriedExchange
from streamlab.errors import CouldNotRunError, UsageError
from streamlab.report import clients_text
from streamlab.report.harmless_console import HarmlessConsole
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.workflows.clients.environments import DRIVERS, Driver, Environments, locked_version
from streamlab.workflows.clients.running import (
    ClientsAsked,
    named_setups,
    reaction,
    served,
    speaking,
    strict_of,
    tools_of,
    try_clients,
)
from streamlab.workflows.clients.worker import Worker
from tests import streams
from tests.clients.standin_client import ToyEnvironments, setup

ROOT = Path(__file__).parents[2]
NEWLINE = ROOT / "captures" / "glm4-newline"
PERFECT = served("perfect", streams.exchange(streams.sse(streams.chat_text())))
CUT = served("cut", streams.exchange(streams.sse(streams.chat_text()[:3], done=False), ending="upstream-cut"))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Every stand-in on a perfect stream, a broken one that is repaired, a cut one and an error; who was left out."""
    names = ["reads", "storms", "shouts", "secretive", "dies", "dumb", "missing"]
    exchanges = [PERFECT, served("newline", read_exchange_dir(NEWLINE)), CUT, served("500", ERROR)]
    left_out = {}
    folder = tmp_path_factory.mktemp("clients")
    environments = ToyEnvironments(folder, refused=("missing",))
    asking = ClientsAsked(
        environments, folder / "log", failed=lambda one, why: left_out.__setitem__(one.id, why), at_once=8
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-a-users-own")
        patch.setattr("streamlab.workflows.clients.worker._GRACE_S", 0.0)
        found = try_clients(exchanges, [setup(name) for name in names], asking)
        # Who hangs is waited for: on one exchange, so that the others may take as long as a busy machine lets them.
        [hung] = try_clients([PERFECT], [setup("hangs")], replace(asking, limit_s=0.5))
        found[0].rows.extend(hung.rows)
    return found, left_out


ERROR = streams.exchange(b'{"error": {"message": "down"}}', status=500, headers=(("content-type", "application/json"),))


def _of(outcomes, exchange, client):
    [tried] = [one for one in outcomes[0] if one.name == exchange]
    [row] = [one for one in tried.rows if one.setup.id == client]
    return row


def test_a_client_that_reads_right_is_right(outcomes):
    row = _of(outcomes, "perfect", "reads")
    assert (row.came.outcome, row.came.requests, row.repaired) == ("right", 1, None)
    assert row.came.held["text"] == "Spring is here."
    assert row.version == "toy 1.0"


def test_what_breaks_it_as_it_came_is_right_once_repaired(outcomes):
    row = _of(outcomes, "newline", "reads")
    assert row.came.outcome.startswith("error(library): json.JSONDecodeError: ")
    assert row.came.held["n_chunks"] > 0
    assert row.repaired.outcome == "right"


def test_who_holds_other_usage_alone_is_right_but_for_it(tmp_path):
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    payloads = [{**payload, "usage": usage} for payload in streams.chat_text()]
    again = served("usage", streams.exchange(streams.sse(payloads)))
    asking = ClientsAsked(ToyEnvironments(tmp_path), tmp_path / "log")
    [tried] = try_clients([again], [setup("adds"), setup("reads")], asking)
    adds, reads = tried.rows
    assert (adds.came.outcome, adds.repaired.outcome) == ("wrong:u", "right")
    assert adds.came.parting.what == "usage"
    assert (clients_text.in_words(adds.came), clients_text.is_good(adds.came, broken=False)) == (
        "right but for usage",
        False,
    )
    assert reads.came.outcome == "right"  # it shows none


def test_who_loses_the_reasoning_alone_that_it_shows_of_the_repaired_stream_is_not_right(tmp_path):
    first, *rest = streams.chat_text()
    named_otherwise = {**streams.chunk({"reasoning_content": "Hm."}), "object": "chunk"}
    thought = served("thought", streams.exchange(streams.sse([first, named_otherwise, *rest])))
    asking = ClientsAsked(ToyEnvironments(tmp_path), tmp_path / "log")
    [tried] = try_clients([thought], [setup("thinks"), setup("reads")], asking)
    thinks, reads = tried.rows
    assert (thinks.came.outcome, thinks.repaired.outcome) == ("wrong:r", "right")
    assert (clients_text.in_words(thinks.came), thinks.came.parting.ideal) == ("differs: reasoning", "Hm.")
    assert reads.came.outcome == "right"  # it shows none


def test_who_asks_for_the_whole_answer_instead_is_said_to(tmp_path):
    asking = ClientsAsked(ToyEnvironments(tmp_path), tmp_path / "log")
    [tried] = try_clients([served("newline", read_exchange_dir(NEWLINE))], [setup("falls-back")], asking)
    [row] = tried.rows
    assert (row.came.outcome, row.came.requests, row.repaired.outcome) == ("again: not streamed", 2, "right")
    assert clients_text.in_words(row.came) == "throws the stream away and asks again without streaming"
    assert [clients_text.is_good(row.came, broken) for broken in (False, True)] == [False, True]


def test_who_asks_the_model_for_another_call_is_told_from_who_asks_without_a_stream():
    told = Reaction("again: call not run", {"ok": False, "error": "already answered"}, 2)
    assert clients_text.in_words(told) == "does not run the tool, asks the model again"
    assert not clients_text.is_good(told, broken=False)


def _asking_with(*tools):
    asked = streams.request_for()
    return replace(asked, body=json.dumps({**json.loads(asked.body), "tools": list(tools)}).encode())


STRICT = {"type": "function", "function": {"name": "get_weather", "strict": True, "parameters": {}}}
LOOSE = {"type": "function", "function": {"name": "get_time", "parameters": {}}}
OFFERED = "no tool is strict: it cannot offer them as the request does"


@pytest.mark.parametrize(
    ("request_", "strict", "offered", "told"),
    [
        (_asking_with(STRICT, LOOSE), ("get_weather",), {"get_weather": True, "get_time": False}, OFFERED),
        (_asking_with(LOOSE), (), {"get_time": False, "get_weather": False}, None),
        (streams.request_for(), (), {"get_weather": False}, None),
        (None, None, {"get_weather": False}, None),
    ],
)
def test_a_client_offers_the_tools_of_the_request_and_is_told_where_it_cannot(
    request_, strict, offered, told, tmp_path
):
    made = replace(streams.exchange(streams.sse(streams.chat_tool())), request=request_)
    asking = ClientsAsked(ToyEnvironments(tmp_path), tmp_path / "log")
    [tried] = try_clients([served("calls", made)], [setup("offers"), setup("offers-loose"), setup("reads")], asking)
    assert tried.strict == strict
    offers, loose, _ = tried.rows
    assert offers.came.held["tools"] == offered
    assert loose.came.held["tools"] == dict.fromkeys(offered, False)
    lines = [list(clients_text.otherwise_offered(tried, row)) for row in tried.rows]
    assert lines == [[], [told] if told else [], ["asked without tools"]]
    said = _printed([tried])
    assert ("the request is not known" in said) is (request_ is None)
    [told_json] = clients_text.tried_json([tried])["exchanges"]
    assert told_json["tools"] == {name: None if strict is None else is_strict for name, is_strict in offered.items()}


def _printed(found):
    out = io.StringIO()
    clients_text.print_tried(HarmlessConsole(file=out, width=120), found, 1)
    return out.getvalue()


def test_the_tools_of_a_response_are_read_too():
    body = json.dumps({"tools": [{"type": "function", "name": "f", "strict": True}, {"type": "web_search"}, 7]})
    made = replace(streams.exchange(b""), request=replace(streams.request_for(), body=body.encode()))
    assert (tools_of(made, {}), strict_of(made)) == (("f",), ("f",))
    two = json.dumps({"tools": [{"function": {"name": "z"}}, {"function": {"name": "a"}}]}).encode()
    assert tools_of(replace(made, request=replace(made.request, body=two)), {}) == ("z", "a")  # as they were offered
    for other in (b"[1]", b"{", b'{"tools": 1}'):
        odd = replace(made, request=replace(made.request, body=other))
        assert strict_of(odd) == (() if other.endswith(b"1}") else None)


def test_another_text_parts_at_its_first_character_and_event(outcomes):
    row = _of(outcomes, "perfect", "shouts")
    assert row.came.outcome == "own:t"
    assert row.came.parting._asdict() == {
        "what": "text", "here": "PRING IS HERE.", "ideal": "pring is here.", "at": 1, "event": 1,
    }  # fmt: skip


def test_a_cut_stream_that_nobody_reports_is_silent_and_a_failed_answer_is_told(outcomes):
    assert _of(outcomes, "cut", "reads").came.outcome.startswith("error(")
    failed = _of(outcomes, "500", "reads")
    assert failed.came.outcome.startswith("error(library): HTTPError")
    assert next(one for one in outcomes[0] if one.name == "500").errors == ("the answer is an error",)
    assert clients_text.is_good(failed.came, broken=True)
    assert not clients_text.is_good(failed.came, broken=False)


def test_who_says_that_it_was_interrupted_noticed_that_the_stream_is_broken():
    cut = served("cut", streams.exchange(streams.sse(streams.chat_text()[:-1], done=False)))
    held = {"ok": True, "text": cut.completion["content"], "reasoning": "", "finish_reason": "interrupted"}
    told = reaction(setup("reads"), cut, held, None, 1)
    assert (told.outcome, clients_text.in_words(told)) == ("interrupted", "says that it was interrupted")
    assert [clients_text.is_good(told, broken) for broken in (False, True)] == [False, True]
    silent = reaction(setup("reads"), cut, held | {"finish_reason": None}, None, 1)
    tried = TriedExchange("cut", cut.report, cut.errors, repairable=False)
    tried.rows = [ClientRow(setup("reads"), "1", one, None) for one in (told, silent)]
    assert clients_text.summary([tried], 2) == (
        "2 clients, 1 exchange: 1 of 2 right as they came (1 of them noticed that it is broken), "
        "1 repaired (1 of them noticed that it is broken)"
    )


def test_who_asks_again_is_counted_and_gets_the_answer_once(outcomes):
    storm = _of(outcomes, "perfect", "storms")
    assert storm.came.requests == 3
    assert storm.came.outcome.startswith("error(library): HTTPError: HTTP Error 400")
    assert _of(outcomes, "500", "storms").came.held["error"].startswith("HTTP Error 500")


def test_a_client_that_hangs_or_dies_is_said_to(outcomes):
    assert _of(outcomes, "perfect", "hangs").came.outcome == "hang"
    assert _of(outcomes, "perfect", "dies").came.outcome == "error(library): crash: the client's process died"


def test_what_a_client_keeps_in_temporary_files_goes_with_it_when_it_is_broken_off(tmp_path, monkeypatch):
    there = tmp_path / "temporary"
    there.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(there))

    async def broken_off() -> None:
        driver = ToyEnvironments(tmp_path / "clients").driver(setup("hangs"))
        with open(os.devnull, "wb") as log:
            async with Worker(driver, log) as worker:
                asked = asyncio.create_task(worker.ask("http://127.0.0.1:9", "chat.completions", ()))
                while not list(there.glob("*/*")):
                    await asyncio.sleep(0.01)
        assert (await asked)["error_type"] == "crash"

    asyncio.run(broken_off())
    assert list(there.iterdir()) == []


def test_a_client_is_given_no_key_of_the_user(outcomes):
    assert _of(outcomes, "perfect", "secretive").came.held["text"] == "[]"


def test_who_cannot_be_installed_or_started_is_left_out(outcomes):
    found, left_out = outcomes
    assert left_out["missing"] == "toy that missing cannot be installed: no such package"
    assert left_out["dumb"].startswith("toy that dumb: its driver did not start; see ")
    assert {row.setup.id for row in found[0].rows} == {"reads", "storms", "shouts", "secretive", "dies", "hangs"}


def test_the_table_says_it_in_words_and_json_holds_it(outcomes):
    out = io.StringIO()
    clients_text.print_tried(HarmlessConsole(file=out, width=100), outcomes[0], 6)
    said = out.getvalue()
    for words in (
        "raises JSONDecodeError, ",
        "its own way, on perfect streams too: text",
        "does not end",
        "text from character 1 on (event 1): 'PRING IS HERE.' for 'pring is here.'",
        "asks 3 times",
        "6 clients, 4 exchanges: ",
    ):
        assert words in said, said
    told = json.loads(json.dumps(clients_text.tried_json(outcomes[0])))
    assert told["format"] == "streamlab.clients/1"
    row = next(one for one in told["exchanges"][1]["clients"] if one["client"] == "reads")
    assert row["repaired"]["outcome"] == "right"
    assert not clients_text.all_right(outcomes[0])


# -- the data, the names, the environments --


def test_every_setup_has_its_driver_its_lock_and_a_version():
    for one in setups().values():
        assert (DRIVERS / one.language / one.driver).is_file(), one.id
        assert locked_version(one), one.id


def test_whoever_was_measured_with_a_version_can_be_asked_again():
    from streamlab.clients.table import clients, clients_of

    assert {name for name in clients_of("measured.toml") if clients()[name].version} <= set(setups())


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("py-openai-raw", {"py-openai-raw"}),
        ("litellm", {"py-litellm"}),
        ("@ai-sdk/openai", {"js-ai-sdk-openai", "js-ai-sdk4-openai"}),
        ("langchain", {"py-langchain", "js-langchain", "py-langchain-anthropic"}),
        ("anthropic-python", {"py-anthropic-raw", "py-anthropic-stream", "py-anthropic-v0.75-stream"}),
        ("all", set(setups())),
        ("Codex CLI", {"js-codex"}),
        ("openai-node .stream(), Responses", {"js-openai-stream"}),
        ("AI SDK 7, Responses", {"js-ai-sdk-openai"}),
        ("ai-sdk-responses", {"js-ai-sdk-openai"}),
        ("no-such", set()),
        ("", set()),
    ],
)
def test_a_client_is_known_by_the_names_people_use(name, found):
    called = {one.id for one in setups_called(name)}
    assert found <= called
    assert bool(called) == bool(found)
    assert name == "langchain" or name == "@ai-sdk/openai" or called == found


def test_a_name_that_no_client_has_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"no client is called 'litelm'\. Did you mean 'litellm'\?"):
        named_setups(["litelm"], Environments(tmp_path))
    with pytest.raises(UsageError, match=r"'opencode' cannot be asked from here"):
        named_setups(["opencode"], Environments(tmp_path))
    with pytest.raises(UsageError, match=r"none of these clients speaks chat\.completions;"):
        speaking(setups_called("py-anthropic-raw"), [PERFECT])
    with pytest.raises(UsageError, match=r"none of these clients speaks chat\.completions with tool calls;"):
        speaking(setups_called("rs-baml"), [served("calls", streams.exchange(streams.sse(streams.chat_tools())))])
    assert len(client_names()) > len(setups())


def _program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!{sys.executable}\n{script}", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """No uv, no npm and no Node.js but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


_NOTES = (
    "import os, sys; open(os.environ['UV_NOTES'], 'a').write(' '.join(map(os.path.basename, sys.argv[1:])) + '\\n');"
)


def test_an_environment_is_made_once_from_the_lock(programs, tmp_path, monkeypatch):
    notes = tmp_path / "notes"
    monkeypatch.setenv("UV_NOTES", str(notes))
    _program(programs, "uv", _NOTES)
    said = []
    there = Environments(tmp_path / "clients", said.append)
    [one] = setups_called("py-openai-raw")
    assert not there.installed(one)
    first = there.driver(one)
    assert there.installed(one)
    assert there.driver(one) == first == Driver(one, there.home(one) / "bin" / "python", there.home(one))
    assert len(said) == 1
    made, installed = notes.read_text().splitlines()
    assert made.startswith("venv --quiet --python python")
    assert installed == "pip install --quiet --python python -r openai-latest.txt"
    newest = Environments(tmp_path / "clients", latest=True)
    newest.driver(one)
    assert notes.read_text().splitlines()[-1].endswith("--upgrade -r openai-latest.in")
    assert newest.home(one) != there.home(one)


def test_what_an_installer_said_last_is_the_reason(programs, tmp_path):
    _program(programs, "uv", "import sys; print('error: no network', file=sys.stderr); sys.exit(2)")
    with pytest.raises(
        CouldNotRunError, match="openai-python, plain stream cannot be installed: uv: error: no network"
    ):
        Environments(tmp_path / "clients").driver(setups()["py-openai-raw"])
    assert not Environments(tmp_path / "clients").installed(setups()["py-openai-raw"])


def test_who_installs_is_given_no_key_of_the_user(programs, tmp_path, monkeypatch):
    """Packages run code of theirs while they are installed."""
    seen = tmp_path / "seen"
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MY_OWN", "PYTHONPATH"):
        monkeypatch.setenv(name, "of the user")
    monkeypatch.setenv("UV_NOTES", str(seen))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    _program(programs, "uv", "import os; open(os.environ['UV_NOTES'], 'w').write('\\n'.join(sorted(os.environ)))")
    Environments(tmp_path / "clients").driver(setups()["py-openai-raw"])
    names = set(seen.read_text().split())
    assert {"UV_NOTES", "PATH", "https_proxy"} <= names
    assert not names & {"OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MY_OWN", "PYTHONPATH"}


def test_ctrl_c_ends_what_is_being_installed(programs, tmp_path):
    """The signal goes to us alone; the installer and what it started are ended, and nothing counts as made."""
    fifo, homes = tmp_path / "fifo", tmp_path / "clients"
    os.mkfifo(fifo)
    _program(
        programs,
        "uv",
        "import os, subprocess, sys\n"
        "reading, writing = os.pipe()\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=reading)\n"
        "open(os.environ['UV_FIFO'], 'w').write(f'{os.getpid()} {child.pid}')\n"
        "child.wait()",
    )
    command = [sys.executable, "-m", "streamlab", "clients", "run", str(NEWLINE), "--client", "py-openai-raw"]
    running = subprocess.Popen(
        [*command, "--environments", str(homes)],
        env={**os.environ, "UV_FIFO": str(fifo)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    pids = [int(one) for one in fifo.read_text().split()]
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert not any(_lives(pid) for pid in pids)
    assert not Environments(homes).installed(setups()["py-openai-raw"])


def _lives(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody took leave of does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_without_npm_it_says_what_to_install(programs, tmp_path):
    with pytest.raises(CouldNotRunError, match=r"npm is not installed; it comes with Node\.js: https://nodejs\.org/"):
        Environments(tmp_path / "clients").driver(setups()["js-openai-raw"])


def test_npm_installs_the_lock_and_an_old_node_is_not_used(programs, tmp_path, monkeypatch):
    notes = tmp_path / "notes"
    monkeypatch.setenv("UV_NOTES", str(notes))
    _program(programs, "npm", _NOTES)
    _program(programs, "node", "print('v18.1.0')")
    there = Environments(tmp_path / "clients")
    driver = there.driver(setups()["js-openai-raw"])
    assert json.loads((driver.home / "package-lock.json").read_text())["packages"]
    assert driver.runner.parts[-4:-2] != ("bin", "node")
    assert str(driver.runner).startswith(str(tmp_path / "clients" / "node" / "runtime-24"))
    commands = notes.read_text().splitlines()
    assert commands[0].startswith("ci --no-audit")
    assert "node-" in commands[1]


# -- the command --


def _run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["clients", *arguments])
    return ended.value.code, *capsys.readouterr()


def test_the_list_names_every_client(capsys, tmp_path):
    code, out, _ = _run(capsys, "list", "--format", "json", "--environments", str(tmp_path))
    assert code == 0
    listed = {one["id"]: one for one in json.loads(out)["clients"]}
    assert set(listed) == set(setups())
    assert not any(one["installed"] for one in listed.values())
    code, out, _ = _run(capsys, "list", "--environments", str(tmp_path))
    assert code == 0
    assert "py-litellm *" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "no-such-file"], 2, "no-such-file"),
        (["run", str(NEWLINE), "--client", "nobody"], 2, "no client is called 'nobody'"),
        (["run", str(NEWLINE), "--client", "py-anthropic-raw"], 2, "none of these clients speaks"),
        (["measure", "--client", "nobody"], 2, "no client is called 'nobody'"),
        (["run", str(NEWLINE), "--limit", "nan"], 2, "'nan' is not a finite number"),
        (["run", str(NEWLINE), "--limit", "0"], 2, "--limit"),
    ],
)
def test_what_makes_no_sense_is_one_line(capsys, tmp_path, monkeypatch, arguments, code, said):
    monkeypatch.setenv("STREAMLAB_CLIENTS", str(tmp_path))
    found, _, err = _run(capsys, *arguments)
    assert found == code
    assert said in err
    assert "Traceback" not in err


def test_measure_wants_a_checkout(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = _run(capsys, "measure", "--environments", str(tmp_path))
    assert code == 2
    assert "run it in a checkout of streamlab" in err


def test_the_real_openai_python_is_asked_by_the_command(capsys, tmp_path, monkeypatch):
    pytest.importorskip("openai")
    monkeypatch.setattr(Environments, "driver", lambda self, one: Driver(one, Path(sys.executable), tmp_path))
    arguments = ("run", str(NEWLINE), "--client", "py-openai-raw", "--environments", str(tmp_path))
    code, out, err = _run(capsys, *arguments, "--format", "json")
    assert code == 1, err
    [row] = json.loads(out)["exchanges"][0]["clients"]
    assert row["came"]["outcome"].startswith("error(library): json.JSONDecodeError")
    assert (row["repaired"]["outcome"], row["repaired"]["requests"]) == ("right", 1)
    assert row["version"].startswith("openai ")


@pytest.mark.skipif(not os.environ.get("STREAMLAB_REAL_CLIENTS"), reason="STREAMLAB_REAL_CLIENTS=1 installs clients")
def test_a_real_client_is_installed_and_asked(capsys, tmp_path):
    code, out, err = _run(
        capsys, "run", str(NEWLINE), "--client", "py-hf-hub", "--format", "json", "--environments", str(tmp_path)
    )
    assert code == 1, err
    assert json.loads(out)["exchanges"][0]["clients"][0]["repaired"]["outcome"] == "right"
    shutil.rmtree(tmp_path)


def test_text_is_harmless():
    assert Text(clients_text._place(clients_text.Parting("text", "\x1b[2J", "a", 0, 1))).plain.count("\x1b") == 0
