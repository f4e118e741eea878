"""The tool that asks real clients: its streams show what they claim, and its verdict is what the client did."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from streamlab.apis.registry import by_name
from streamlab.clients.setups import setups
from streamlab.comparing.held import difference, difference_from, outcome, outcome_of_failure, parting, with_given_ids
from streamlab.comparing.reading import read_exchange
from streamlab.errors import UsageError
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.servers.replay import Played
from streamlab.workflows.clients import measuring, running
from streamlab.workflows.clients.environments import Driver
from streamlab.workflows.clients.running import ClientsAsked
from tests.batches import batched
from tests.clients.standin_client import ToyEnvironments, setup

TOOL = Path(__file__).parents[2] / "tools" / "clients"
sys.path.insert(0, str(TOOL))
import measured as table  # noqa: E402
from changed_table import compared  # noqa: E402
from streams import all_streams, cases, sends_usage  # noqa: E402

sys.path.remove(str(TOOL))

SHOWN = [
    pytest.param(rule, case, name, id=f"{rule}-{name}")
    for rule, listed in cases().items()
    for case in listed
    for name in case["streams"]
]


@pytest.fixture(scope="module")
def made():
    return {stream.name: stream for stream in all_streams()}


@batched("rule, case, name", SHOWN)
def test_a_stream_shows_its_rule_in_its_form(rule, case, name, made):
    findings = analyze(made[name].exchange).findings
    found = [one for one in findings if one.rule == rule]
    assert found
    if case.get("form") and by_name()[rule].variants:
        assert case["form"] in {variant for one in found for variant in one.variants}


#: Null among the numbers is held against the same numbers without it, which come in every chunk as well.
COUNTED = ("usage.completion-null-until-end", "usage.total-null-until-end")


def test_a_perfect_stream_has_nothing_to_tell(made):
    for stream in {one.perfect.body: one for one in made.values()}.values():
        found = [one.rule for one in analyze(stream.perfect).findings if str(one.severity) == "error"]
        assert found == ["usage-on-every-chunk"] * stream.name.endswith(COUNTED), stream.name


#: What no repair brings to the calls of the perfect stream: they are text, nameless, or another function's.
OTHER_CALLS = (
    "tool-finish-each",
    "tool1.function-call-legacy",
    "tools.name-missing",
    "messages.start-missing-call",
    "messages.delta-type-mismatch-json-in-text",
    "messages.stop-reason-tool-use-without-block",
)


def test_the_perfect_stream_has_the_calls_of_the_same_answer(made):
    for stream in made.values():
        if not stream.tools or stream.broken or stream.name.startswith(OTHER_CALLS) or ".text-xml" in stream.name:
            continue
        told = [analyze(one).completion for one in (normalize(stream.exchange).exchange, stream.perfect)]
        assert len(told[0]["tool_calls"]) == len(told[1]["tool_calls"]), stream.name


PERFECT = {
    "ok": True,
    "text": "Spring",
    "reasoning": "Hm.",
    "tool_calls": [{"id": "a", "name": "f", "arguments": '{"x": 1}'}, {"id": "b", "name": "g", "arguments": ""}],
    "finish_reason": "stop",
    "usage": None,
}
_FIRST, _SECOND = PERFECT["tool_calls"]


@pytest.mark.parametrize(
    ("changed", "letters"),
    [
        ({}, ""),
        ({"text": "Spr"}, "t"),
        ({"reasoning": ""}, "r"),
        ({"tool_calls": [_FIRST]}, "k"),
        ({"tool_calls": [_SECOND, _FIRST]}, "o"),
        ({"tool_calls": [{**_FIRST, "arguments": '{"x":1}'}, _SECOND]}, ""),
        ({"tool_calls": [{**_FIRST, "name": "", "id": None, "arguments": "{"}, _SECOND]}, "nai"),
        ({"tool_calls": [{**_FIRST, "invalid": True}, _SECOND]}, "v"),
        ({"finish_reason": None, "usage": {"total_tokens": 1}}, "f"),
    ],
)
def test_what_differs_has_a_letter(changed, letters):
    assert difference(PERFECT | changed, PERFECT) == letters


def test_who_shows_no_reasoning_of_the_perfect_stream_loses_none_by_showing_some():
    assert difference(PERFECT, PERFECT | {"reasoning": ""}) == ""


def test_usage_counts_where_the_client_shows_it_on_the_perfect_stream():
    assert difference(PERFECT, PERFECT | {"usage": {"total_tokens": 1}}) == "u"


def test_a_failure_is_told_with_the_words_of_the_server():
    def failed(error):
        return {"ok": False, "error": error}

    told, bare = failed("Error code: 422 - no template"), failed("Error code: 422")
    assert outcome_of_failure(told, told, "no template") == "same"
    assert outcome_of_failure(bare, told, "no template") == "no words"
    assert outcome_of_failure({"ok": True, "text": "no template"}, told, "no template") == "no error"
    assert outcome_of_failure({"ok": False, "hung": True}, told, "no template") == "hang"
    assert outcome_of_failure({"ok": None}, told, "no template") is None
    assert outcome_of_failure(bare, bare, "no template") is None  # it never shows them


def test_an_outcome_in_a_word():
    failed = {"ok": False, "error_in": "driver", "error_type": "builtins.TypeError", "error": "x" * 200}
    assert outcome(PERFECT, PERFECT, broken=True) == "same [silent]"
    assert outcome(PERFECT, PERFECT, broken=False) == "same"
    assert outcome(PERFECT | {"text": ""}, PERFECT, broken=True) == "wrong:t [silent]"
    assert outcome(PERFECT | {"text": ""}, PERFECT, broken=False) == "wrong:t"
    cut = PERFECT | {"text": "", "finish_reason": "interrupted"}  # as AI SDK 7 says
    assert outcome(cut, PERFECT, broken=True) == "interrupted"
    assert outcome(cut, PERFECT, broken=False) == "wrong:tf"
    assert outcome({"ok": False, "hung": True}, PERFECT, broken=True) == "hang"
    assert outcome(failed, PERFECT, broken=False) == "error(driver): builtins.TypeError: " + "x" * 120
    assert outcome({"ok": None}, PERFECT, broken=False) is None
    assert outcome(PERFECT, failed, broken=False) is None


def test_who_holds_nothing_of_an_answer_holds_an_empty_one():
    nothing = PERFECT | {"text": "", "reasoning": "", "tool_calls": []}
    assert outcome(nothing, PERFECT, broken=False) == "wrong:etrk"
    assert outcome(nothing | {"finish_reason": None}, PERFECT, broken=True) == "wrong:etrkf [silent]"
    assert outcome(nothing | {"reasoning": "Hm."}, PERFECT, broken=False) == "wrong:tk"
    assert outcome(nothing, nothing, broken=False) == "same"


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (None, "same"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "again: no answer"),
        ({"messages": [{"role": "tool", "content": "no such tool"}]}, "again: call not run"),
        ({"input": [{"type": "function_call_output", "output": "no such tool"}]}, "again: call not run"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "again: call not run"),
        ({"messages": [], "stream": False}, "again: not streamed"),
    ],
)
def test_who_asks_again_is_told_by_what_it_asks(second, told):
    def asked(body):
        return Played("POST", "/v1/x", json.dumps({"stream": True, **body}).encode(), None, "")

    requests = [asked({}), *([asked(second)] if second is not None else ())]
    why = running.asked_again(requests)
    failed = {"ok": False, "error": "already answered"}  # what our server says to the second is no word of the client's
    held = failed | {"again": why} if why else PERFECT
    assert outcome(held, PERFECT, broken=False) == told


def test_an_answer_is_compared_by_meaning_with_ours():
    completion = {"content": "Spring", "finish_reason": "tool_calls", "tool_calls": []}
    ours = PERFECT | {"tool_calls": [], "finish_reason": "tool_use"}
    assert difference_from(ours, completion) == ""
    assert difference_from(ours | {"finish_reason": "stop", "text": "Spr"}, completion) == "tf"
    assert difference_from(ours | {"finish_reason": None}, completion, finish=False) == ""


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"text": "Sprout"}, ("text", "out", "ing", 3)),
        ({"tool_calls": [_FIRST]}, ("number of calls", "f", "f, g", None)),
        ({"tool_calls": [_FIRST | {"id": "aa"}, _SECOND]}, ("id of call 0", "a", "", 1)),
        ({"tool_calls": [_FIRST, _SECOND | {"arguments": "{}"}]}, ("arguments of call 1", "{}", "", 0)),
        ({"finish_reason": "length"}, ("finish reason", "length", "stop", None)),
    ],
)
def test_where_it_parts_is_the_first_thing_that_differs(changed, place):
    held = PERFECT | changed
    assert parting(held, PERFECT, difference(held, PERFECT), ())[:4] == place


def test_the_event_is_that_of_the_character(made):
    reading = read_exchange(made["text.index-missing"].perfect)
    ideal = PERFECT | {"text": "".join(text for item in reading.items for _, text in item.texts)}
    held = ideal | {"text": ideal["text"][:8]}
    number = parting(held, ideal, "t", reading.items).event
    before = "".join(text for item in reading.items if item.number < number for _, text in item.texts)
    assert len(before) <= 8 < len(before) + reading.items[number].characters


#: As the measurements have it of the same package.
OPENAI = {
    "text.index-missing": "same",
    "text.delta-missing": "error(driver): builtins.AttributeError",
    "text.error-mid": "error(library): openai.APIError",
    "text.trunc-boundary": "wrong:tf [silent]",
}


class _Here(ToyEnvironments):
    """The real drivers, in this interpreter."""

    def driver(self, one):
        return Driver(one, Path(sys.executable), self.folder) if one.driver != "toy.py" else super().driver(one)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose results and table may be written."""
    (tmp_path / "tools" / "clients" / "results").mkdir(parents=True)
    (tmp_path / "tools" / "clients" / "cases.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(table, "TARGET", tmp_path / "measured.toml")
    monkeypatch.setattr(table.client_tables, "write", lambda: (tmp_path / "tables.jsonl").touch())
    monkeypatch.setattr(table, "document", lambda: f"{len(table.runs())} runs")
    return measuring.checkout()


def _measure(checkout, names, client, folder, *others, refused=()):
    environments = _Here(folder, refused)
    return measuring.measure(checkout, [client, *others], names, ClientsAsked(environments, folder / "log"))


def test_a_real_client_is_measured_and_its_answers_are_those_of_before(checkout, tmp_path):
    pytest.importorskip("openai")
    found = _measure(checkout, list(OPENAI), setups()["py-openai-raw"], tmp_path / "clients")
    told = json.loads(found.results[0].read_text())
    said = {name: one["outcomes"].get("py-openai-raw", "same") for name, one in told["streams"].items()}
    assert {name: one[: len(OPENAI[name])] for name, one in said.items()} == OPENAI
    assert told["clients"]["py-openai-raw"]["version"].startswith("openai ")
    assert told["streams"]["text.index-missing"]["summary"] == {"same": 1}
    assert found.changes == []
    assert found.answers == len(OPENAI)
    assert table.TARGET.read_text().endswith(" runs")
    assert (tmp_path / "tables.jsonl").exists()


def test_a_measurement_that_was_broken_off_goes_on_and_tells_what_changed(checkout, tmp_path, monkeypatch):
    toy = replace_id(setup("reads"), "py-openai-raw")
    noted = measuring.Noted(checkout / "tools" / "clients" / ".measuring.jsonl")
    noted.add(toy.id, "toy 1.0", "text.error-mid", "same")
    with noted.path.open("a") as file:
        file.write('{"client": "py-openai-raw", "ver')
    found = _measure(checkout, ["text.error-mid", "text.delta-missing"], toy, tmp_path / "clients")
    assert not noted.path.exists()
    changes = {one.stream: (one.before.partition(":")[0], one.after) for one in found.changes}
    assert changes["text.error-mid"] == ("error(library)", "same")
    assert set(changes) <= {"text.error-mid", "text.delta-missing"}
    again = _measure(checkout, ["text.error-mid"], toy, tmp_path / "clients")
    assert again.results[0].stem.endswith("-2")
    assert again.results != found.results


@pytest.mark.parametrize(
    ("name", "told"), [("falls-back", "again: not streamed"), ("reads", "error(library): json.JSONDecodeError")]
)
def test_who_asks_for_the_whole_answer_instead_is_said_to(checkout, tmp_path, name, told):
    found = _measure(checkout, ["env-python-repr"], setup(name), tmp_path / "clients")
    [stream] = json.loads(found.results[0].read_text())["streams"].values()
    assert stream["outcomes"][name].startswith(told)
    said = table.outcome("again: not streamed")
    assert (said.harm, said.how) == ("raises", "throws the stream away and asks again without streaming")


def test_who_is_left_out_after_a_measurement_that_was_broken_off_has_no_part_in_the_results(checkout, tmp_path):
    noted = measuring.Noted(checkout / "tools" / "clients" / ".measuring.jsonl")
    noted.add("shouts", "toy 1.0", "text.error-mid", "same")
    found = _measure(checkout, ["text.delta-missing"], setup("reads"), tmp_path, setup("shouts"), refused=("shouts",))
    told = json.loads(found.results[0].read_text())
    assert (list(told["clients"]), found.answers) == (["reads"], 1)


def replace_id(one, name):
    return one._replace(id=name)


def test_another_version_voids_what_the_last_one_said(tmp_path):
    noted = measuring.Noted(tmp_path / "noted")
    noted.add("c", "1", "a", "same")
    noted.add("c", "2", "b", None)
    assert measuring.Noted(tmp_path / "noted").outcomes == {("c", "b"): None}


def test_an_answer_behind_one_that_is_torn_is_kept(tmp_path):
    path = tmp_path / "noted"
    path.write_text('{"client": "c", "ver')
    measuring.Noted(path).add("c", "1", "a", "same")
    assert measuring.Noted(path).outcomes == {("c", "a"): "same"}


def test_a_stream_that_nobody_knows_is_refused(checkout, tmp_path):
    with pytest.raises(UsageError, match=r"no stream is called no\.such"):
        _measure(checkout, ["no.such"], setup("reads"), tmp_path / "clients")


def test_what_a_client_does_otherwise_than_before_is_told_of_its_last_two_measurements():
    def run(date: str, version: str, **outcomes: str) -> table.Run:
        streams = {name: {"outcomes": {} if did == "same" else {"toy": did}} for name, did in outcomes.items()}
        return table.Run(date, {"toy": {"version": version}}, streams)

    found = compared(
        [
            run("2026-01-01", "1.0", a="wrong:t", b="same", c="error(library): E: one word", e="wrong:tf", f="same"),
            run("2026-02-01", "1.1", a="same", b="same", c="error(library): E: another", d="wrong:f", e="wrong:etf"),
            run("2026-02-01", "1.1", f="same [silent]"),
            run("2026-02-01", "1.1", a="wrong:f"),  # the same day: no measurement of its own
        ]
    )
    assert (found["toy"].before, found["toy"].now, found["toy"].dates) == ("1.0", "1.1", ("2026-01-01", "2026-02-01"))
    assert found["toy"].streams == 5
    assert found["toy"].changes == [("a", "wrong:t", "same")]


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (("pyd_1", "pyd_2"), "same"),  # made by the client, one for each call
        (("pyd_1", "pyd_1"), "wrong:i"),
        (("pyd_1", ""), "wrong:i"),
        ((None, None), "wrong:i"),
        ((7, 8), "wrong:i"),
    ],
)
def test_an_id_that_a_client_makes_itself_is_as_good_as_that_of_the_perfect_stream(ids, told):
    def of(*given):
        calls = [{"id": one, "name": "get_weather", "arguments": "{}"} for one in given]
        return {"ok": True, "text": "", "reasoning": "", "tool_calls": calls, "finish_reason": "tool_calls"}

    perfect = of("call_a1B2c3D4", "call_e5F6g7H8")
    assert outcome(with_given_ids(of(*ids), perfect), perfect, broken=False) == told


def test_nobody_is_named_for_other_usage_where_the_stream_sends_none():
    told = tomllib.loads(table.document())
    named = [group for rule in cases() for group in told[rule].get("breaks", ()) if "usage" in group["how"]]
    assert named
    for group in named:
        assert any(sends_usage(stream) for stream in group["source"]), group
    litellm = [one["how"] for one in told["tool-call-leaked-as-text"]["breaks"] if "py-litellm" in one["clients"]]
    assert litellm == [
        "ends with other text and another number of calls",
        "ends with another number of calls",
        "ends with other text",
    ]
