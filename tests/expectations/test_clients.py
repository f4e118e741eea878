"""The table of what clients do: readable, complete, and true to the measurements it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamlab.apis.registry import by_name
from streamlab.expectations import client_table
from streamlab.expectations.clients import CLIENTS, breaks, client_names, clients_called, hurts, is_harmless

HARMS = {"hangs", "raises", "silent-loss", "wrong"}
RULES = [
    line for text in (client_table.MEASURED, client_table.OBSERVED) for line in text.splitlines() if line[0] != " "
]


def test_the_table_names_rules_once():
    assert len(RULES) == len(set(RULES))
    assert not set(RULES) & set(client_table.HARMLESS)


def test_every_rule_in_the_table_exists():
    assert sorted({*RULES, *client_table.HARMLESS} - set(by_name())) == []


@pytest.mark.parametrize("rule", RULES)
def test_every_line_can_be_read(rule):
    found = breaks(rule)
    assert found
    for one in found:
        assert one.client in CLIENTS
        assert one.harm in HARMS
        assert one.how
    named = [(one.client, condition) for one in found for condition in one.conditions or ("",)]
    assert len(named) == len(set(named)), "a client is named twice for one form of the deviation"
    always = {client for client, condition in named if not condition}
    assert not [client for client, condition in named if condition and client in always]


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
    assert list(client_names()) == sorted(CLIENTS)
    assert all(CLIENTS[name].version for name in client_names() if name.startswith(("py-", "js-", "rs-")))


def test_harmless_means_no_measured_client_breaks():
    assert is_harmless("sse-comment-keepalive")
    assert not any(one.measured for one in breaks("sse-comment-keepalive"))
    assert not is_harmless("no-such-rule")


MEASUREMENTS = Path(__file__).parents[2] / "tools" / "clients" / "results" / "2026-11-20.json"
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
    measured = json.loads(MEASUREMENTS.read_text(encoding="utf-8"))["streams"][stream]["outcomes"]
    table = {one.client: one.harm for one in breaks(SHOWN[stream])}
    for client, outcome in measured.items():
        raised = outcome.startswith("error")
        assert client in table
        assert (table[client] == "raises") is raised or " when " in next(
            one.how for one in breaks(SHOWN[stream]) if one.client == client
        )
