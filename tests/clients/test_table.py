"""What clients do: readable, complete, of one schema, and true to the measurements it comes from."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from streamlab import apis
from streamlab.apis.registry import by_name
from streamlab.clients import table
from streamlab.clients.table import (
    asked,
    breaks,
    client_names,
    clients,
    clients_called,
    hurts,
    is_harmless,
    rule_names,
)
from tests.batches import batched

ROOT = Path(__file__).parents[2]
DATA = ROOT / "streamlab" / "clients"
TOOL = ROOT / "tools" / "clients"
APIS = {api.name for api in apis.APIS}
HARMS = {"hangs", "raises", "silent-loss", "wrong"}
MEASURED = tomllib.loads((DATA / "measured.toml").read_text(encoding="utf-8"))
REPORTED = tomllib.loads((DATA / "reported.toml").read_text(encoding="utf-8"))
assert MEASURED.pop("api") == REPORTED.pop("api") == "chat.completions"


@pytest.mark.parametrize("file", [MEASURED, REPORTED], ids=["measured", "reported"])
def test_every_table_has_its_fields_and_no_other(file):
    known = clients()
    for name, client in file.pop("clients").items():
        assert set(client) - {"apis"} == {"package", "version", "name"}, name
        assert set(client.get("apis", ())) <= APIS, name
        assert client["name"], name
    for rule, tables in file.items():
        assert rule in by_name(), rule
        assert set(tables) <= {"asked", "breaks"}, rule
        for group in tables.get("breaks", ()):
            assert set(group) - {"forms", "date", "api", "strict"} == {"harm", "how", "source", "clients"}, rule
            assert group.get("api", "responses") in APIS, rule
            assert group.get("strict", True) in (True, False), rule
            assert group["harm"] in HARMS, rule
            assert group["how"], rule
            assert " when " not in group["how"], rule
            assert group["source"], rule
            assert all(isinstance(one, str) for one in (*group["source"], *group.get("forms", ()))), rule
            assert set(group["clients"]) <= set(known), rule
            assert all(isinstance(version, str) for version in group["clients"].values()), rule


@batched("rule", [rule for rule in MEASURED if rule != "clients"])
def test_what_was_measured_says_when_where_and_of_how_many(rule):
    forms = {(one.get("api"), one.get("form", "")) for one in MEASURED[rule]["asked"]}
    assert len(forms) == len(MEASURED[rule]["asked"]), "a form is asked twice"
    for one in MEASURED[rule]["asked"]:
        assert set(one) - {"form", "apart", "api"} == {"clients", "streams", "date"}
        assert 0 < one["clients"] <= 34
    for group in MEASURED[rule].get("breaks", ()):
        assert re.fullmatch(r"2026-\d\d(-\d\d)?", group["date"])
        assert {(group.get("api"), form) for form in group.get("forms", ())} <= forms
        assert set(group["source"]) <= {stream for one in MEASURED[rule]["asked"] for stream in one["streams"]}


def test_what_is_read_is_what_the_files_say():
    """The reader takes one rule's tables at a time, of JSON made from the files."""
    assert {file for file, _ in table._lines()} == set(table.SOURCES)
    for file in table.SOURCES:
        parsed = tomllib.loads((DATA / file).read_text(encoding="utf-8"))
        assert {name: table._held(file, name) for known, name in table._lines() if known == file} == parsed


@pytest.mark.parametrize("tool", ["measured", "messages_table", "responses_table"])
def test_the_file_is_what_the_tool_writes_from_the_results(tool):
    done = subprocess.run([sys.executable, TOOL / f"{tool}.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def _tool():
    spec = importlib.util.spec_from_file_location("clients_measured", TOOL / "measured.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "harm", "how"),
    [
        ("hang", "hangs", "waits for ever"),
        ("error(library): builtins.TypeError: no", "raises", "raises TypeError"),
        (
            "error(driver): json.decoder.JSONDecodeError: x: y",
            "raises",
            "raises JSONDecodeError in the documented loop",
        ),
        ("error(library): common.ClientReported: agno: no", "raises", "reports an error"),
        ("error(library): String: thrown", "raises", "raises an error"),
        ("error", "raises", "raises an error"),
        ("wrong:tf", "wrong", "ends with other text and another finish_reason"),
        ("wrong:nai", "wrong", "ends with other function names, other arguments and other call ids"),
        ("wrong:t [silent]", "silent-loss", "says nothing, ends with other text"),
        ("wrong [silent]", "silent-loss", "says nothing, ends with part of the answer"),
        ("wrong", "wrong", "ends with another answer"),
        ("wrong:etrf", "wrong", "ends with other text, other reasoning and another finish_reason"),
        ("same [silent]", "silent-loss", "says nothing, takes it for a whole answer"),
        ("again: call not run", "wrong", "does not run the tool, asks the model again"),
        ("again: no answer", "wrong", "loses it, asks the model again where nothing is left"),
        ("no words", "wrong", "raises an error without the server's words"),
        ("no error", "wrong", "takes the failure for an answer"),
    ],
)
def test_an_outcome_is_told_in_words(text, harm, how):
    assert tuple(_tool().outcome(text)) == (harm, how, None)


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("wrong:etrf [silent]", "says nothing, ends with an empty answer and another finish_reason"),
        ("wrong:ek", "ends with an empty answer"),
        ("wrong:tf", "ends with other text and another finish_reason"),
        ("again: no answer", "holds no answer, asks the model again"),
        ("again: call not run", "does not run the tool, asks the model again"),
    ],
)
def test_an_empty_answer_is_told_of_where_the_whole_deviates(text, how):
    assert _tool().outcome(text, whole=True).how == how


def test_what_a_case_leaves_out_of_account_is_no_harm():
    assert _tool().outcome("wrong:n", ignored="n") is None
    assert _tool().outcome("wrong:nv", ignored="n").how == "ends with a call marked invalid"
    with pytest.raises(ValueError, match="no such outcome"):
        _tool().outcome("fine")


def test_a_rule_that_cannot_tell_its_forms_apart_names_a_client_once_for_the_gravest():
    tool = _tool()
    wrong, raises = tool.Did("wrong", "ends with other text"), tool.Did("raises", "raises E")
    forms = [
        tool.Form("one", ("a",), 3, "2026-11-20", {"x": (wrong,), "y": (wrong,)}, {"x": "1.0", "y": "2.0"}),
        tool.Form("two", ("b",), 3, "2026-11-20", {"x": (raises,), "y": (wrong,)}, {"x": "1.0", "y": "2.0"}),
    ]
    apart = tool.groups(forms, True, ["x", "y"])
    assert [(one.did, one.forms, one.clients, one.source) for one in apart] == [
        (wrong, (), {"y": "2.0"}, ("a", "b")),
        (wrong, ("one",), {"x": "1.0"}, ("a",)),
        (raises, ("two",), {"x": "1.0"}, ("b",)),
    ]
    once = tool.groups(forms, False, ["x", "y"])
    assert [(one.did, one.forms, one.clients) for one in once] == [
        (wrong, ("one",), {"y": "2.0"}),
        (raises, ("two",), {"x": "1.0"}),
    ]


def test_a_client_that_was_asked_again_is_told_of_as_it_is_now():
    tool = _tool()
    then = {name: {"package": name, "version": "1.0", "name": name} for name in ("x", "y")}
    now = {name: {"package": name, "version": "2.0", "name": name} for name in ("x", "z")}
    told = {"s": {"summary": {"wrong": 2}, "outcomes": {"x": "wrong:t", "y": "hang"}}}
    again = {"s": {"summary": {"same": 1, "n/a": 1}, "outcomes": {}}}
    [form] = tool.forms([{"streams": ["s"]}], [tool.Run("2026-11-01", then, told), tool.Run("2026-11-02", now, again)])
    assert (form.asked, form.date) == (2, "2026-11-02")
    assert {name: (did.harm, form.versions[name]) for name, [did] in form.did.items()} == {"y": ("hangs", "1.0")}


def test_what_a_client_does_only_on_strict_tools_is_told_apart():
    tool = _tool()
    known = {name: {"package": name, "version": "1.0", "name": name} for name in ("x", "y", "z")}
    outcomes = {"x": "hang", "y": "hang", "z": "hang"}
    strict = tool.Run("2026-11-01", known, {"s": {"summary": {"hang": 3}, "outcomes": outcomes}})
    told = {"s": {"summary": {"same": 1, "wrong": 1}, "outcomes": {"y": "wrong:t"}}}
    loose = tool.Run("2026-11-02", {name: known[name] for name in ("x", "y")}, told, False)
    [form] = tool.forms([{"streams": ["s"]}], [strict, loose])
    assert (form.asked, form.date) == (3, "2026-11-01")
    for told_apart in (True, False):
        groups = tool.groups([form], told_apart, ["x", "y", "z"])
        assert [(one.did.strict, one.did.harm, list(one.clients), one.date) for one in groups] == [
            (True, "hangs", ["x", "y"], "2026-11-01"),
            (None, "hangs", ["z"], "2026-11-01"),
            (False, "wrong", ["y"], "2026-11-02"),
        ]


@batched("rule", rule_names())
def test_a_client_is_named_once_for_a_form(rule):
    found = [one for one in breaks(rule) if one.measured]
    assert found or asked(rule) or any(not one.measured for one in breaks(rule))
    named = [
        (one.api, one.client, condition, strict)
        for one in found
        for condition in one.conditions or ("",)
        for strict in ((True, False) if one.strict is None else (one.strict,))
    ]
    assert len(named) == len(set(named)), "a client is named twice for one form of the deviation"
    always = {(api, client, strict) for api, client, condition, strict in named if not condition}
    assert not [one for one in named if one[2] and (one[0], one[1], one[3]) in always]


def test_what_is_told_names_its_source():
    told = [one for rule in rule_names() for one in breaks(rule) if not one.measured]
    assert all(one.how.endswith(f"(reported: {', '.join(one.source)})") for one in told)
    [aisix] = [one for one in told if one.client == "aisix"]
    assert aisix.how == "ends with other text, torn characters (reported: api7/aisix#111)"


@pytest.mark.parametrize(
    ("rule", "query", "expected"),
    [
        ("tool-call-index-missing", "openai-python", True),
        ("tool-call-index-missing", "py-openai-stream", True),
        ("choice-index-missing", "py-openai-raw", False),
        ("tool-call-index-missing", "LangChain", True),
        ("responses-terminal-missing", "AI_SDK", True),
        ("sse-event-without-data", "ai-sdk", False),
        ("sse-event-without-data", "litellm", True),
        ("text-that-is-no-rule", "litellm", False),
        ("tool-call-index-missing", "", False),
        ("tool-call-index-missing", "no-such-client", False),
    ],
)
def test_hurts(rule, query, expected):
    assert hurts(rule, query) is expected


@pytest.mark.parametrize("query", ["openai-python", "openai-node", "langchain", "litellm", "ai-sdk", "pydantic-ai"])
def test_what_people_call_a_client_is_found(query):
    assert clients_called(query)


def test_names_of_one_language_do_not_mean_the_other():
    assert not any(name.startswith("js-") for name in clients_called("openai-python"))
    assert not any(name.startswith("py-") for name in clients_called("openai-node"))


def test_names_are_sorted_and_versions_known():
    assert list(client_names()) == sorted(clients())
    assert all(clients()[name].version for name in client_names() if name.startswith(("py-", "js-", "rs-")))


def test_harmless_means_no_measured_client_breaks():
    assert is_harmless("sse-comment-keepalive")
    assert not any(one.measured for one in breaks("sse-comment-keepalive"))
    assert not is_harmless("no-such-rule")
    assert not is_harmless("tool-call-index-missing")


RESULTS = json.loads((TOOL / "results" / "2026-11-20.json").read_text(encoding="utf-8"))["streams"]
#: Who raised then because of a limit that the question set, and now asks the model again.
UNLIMITED = {("js-openai-agents", "text.empty-200")}
#: Who says that it was interrupted, which was not written down then.
SAYING = {("ai-sdk-responses", "responses.no-completed"), ("js-ai-sdk-openai", "text.empty-200")}
#: Streams that show exactly what the name of a rule says.
SHOWN = {
    "tool1.index-missing": "tool-call-index-missing",
    "responses.no-completed": "responses-terminal-missing",
    "text.ping-data-empty": "sse-empty-data-event",
    "tools.name-split": "tool-call-name-split",
    "text.finish-none": "finish-reason-missing",
    "usage.in-choice": "usage-in-choice",
    "text.data-no-space": "sse-no-space-after-colon",
    "text.empty-200": "empty-200",
}


@pytest.mark.parametrize("stream", SHOWN)
def test_the_table_is_true_to_the_measurements(stream):
    """Independently of the tool: who did anything on the stream is named, and raised where it raised."""
    api = "responses" if stream.startswith("responses.") else "chat.completions"
    found = breaks(SHOWN[stream], api=api)
    same = tomllib.loads((DATA / "same.toml").read_text(encoding="utf-8")).get(api, {})
    for asked_as, outcome in RESULTS[stream]["outcomes"].items():
        client = same.get(asked_as, asked_as)
        harms = {one.harm for one in found if one.client == client and (not one.conditions or stream in one.source)}
        raised = outcome.startswith("error") and (client, stream) not in UNLIMITED
        raised |= (client, stream) in SAYING
        assert ("raises" in harms) is raised, client
        assert harms, client


def test_a_client_asked_in_two_surveys_of_one_api_is_one():
    same = tomllib.loads((DATA / "same.toml").read_text(encoding="utf-8"))
    for api, names in same.items():
        for name, known in names.items():
            package = clients()[name].package.removesuffix("-slim").removesuffix("-like")
            assert package == clients()[known].package.removesuffix("-slim")
            assert (api in table.apis_of(known), api in table.apis_of(name)) == (True, False)
            assert known in clients_called(name)
    for rule in rule_names():
        for api in same:
            named = [(one.client, one.conditions, one.strict) for one in breaks(rule, None, api) if one.measured]
            assert not {name for name, *_ in named} & set(same[api]), rule
            assert len(set(named)) == len(named), rule
    emptied = breaks("responses-completed-output-empty", None, "responses")
    llama = [one for one in emptied if "LlamaIndex" in clients()[one.client].name]
    assert {(one.client, one.version) for one in llama} == {("llama-index-responses", "0.8.3")}
    assert clients_called("js-langchain-anthropic") == ("langchain-js-1.5.11",)
