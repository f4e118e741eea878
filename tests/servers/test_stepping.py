"""Events that wait for a step, and a clean stream that is played as a known system: over loopback sockets."""

from __future__ import annotations

import http.client
import json
from contextlib import closing, contextmanager

import pytest

from streamlab.cli import main
from streamlab.errors import UsageError
from streamlab.servers.stepping import Gate
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.workflows.replay import BackgroundReplay, playables, replay
from tests import streams


@pytest.fixture
def target(tmp_path):
    """A clean stream as an exchange directory."""
    write_exchange_dir(streams.exchange(streams.sse(streams.chat_text())), tmp_path / "clean")
    return str(tmp_path / "clean")


@contextmanager
def _asked(server, path="/@clean/v1/chat/completions"):
    with closing(http.client.HTTPConnection(*server.address, timeout=20)) as connection:
        connection.request("POST", path, b"{}")
        with connection.getresponse() as answer:
            yield answer


def _step(server):
    with _asked(server, "/@step") as answer:
        return json.loads(answer.read())["stepped"]


def _event(answer):
    lines = []
    while (line := answer.readline()) not in (b"\n", b""):
        lines.append(line)
    return b"".join(lines)


def test_each_event_waits_for_a_step(target):
    with BackgroundReplay(playables([target], segments="event"), gate=Gate(until=2)) as server:
        with _asked(server) as answer:
            assert b'"role"' in _event(answer)
            assert b'"Spring"' in _event(answer)
            seen = []
            for _ in range(5):
                assert _step(server) == 1
                seen.append(_event(answer))
            assert b'" is"' in seen[0]
            assert seen[-1] == b"data: [DONE]\n"
            assert answer.read() == b""
        assert _step(server) == 0


def test_without_a_gate_a_step_is_a_request_like_any_other(target):
    with BackgroundReplay(playables([target])) as server, _asked(server, "/@step") as answer:
        assert answer.status == 404


def test_a_client_reads_the_system_that_is_played(target):
    with replay(target, personality="tgi") as server, _asked(server) as answer:
        assert answer.read(6) == b"data:{"
    told = []
    playables([target], personality="tgi", warn=told.append)
    assert "plays as tgi: " in told[0]
    assert "sse-no-space-after-colon" in told[0]
    with pytest.raises(UsageError, match="no system is called"):
        playables([target], personality="nobody")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--until", "3"], "--until says how far --step goes by itself"),
        (["--step", "--segments", "byte"], "--step goes by events"),
        (["--as", "nobody"], "no system is called 'nobody'"),
    ],
)
def test_what_makes_no_sense_is_refused(target, capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        main(["replay", target, *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_help_lists_the_systems(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["replay", "--as", "help"])
    assert ended.value.code == 0
    assert "sse-no-space-after-colon" in capsys.readouterr().out
