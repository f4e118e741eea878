"""Every error names a client that breaks, or says by which written promise it is one: of all rules, in every form."""

from __future__ import annotations

import pytest

from streamlab.apis.registry import all_rules
from streamlab.clients.table import asked, breaks
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.report.json import finding_json
from streamlab.report.promises import promise_of
from streamlab.rules.finding import Finding, Severity
from tests import corpus, rule_fixtures
from tests.batches import batched
from tests.streams import USAGE, chat_text, exchange, sse
from tests.variants import FORMS, failing

RULES = [rule for rule in all_rules() if rule.severity is Severity.ERROR]


#: What is told as information, or as a warning, though the rule is one of errors.
_NO_ERROR = {
    ("messages-done-marker", "it has no name"),
    ("responses-completed-output-differs", "it lists reasoning that was never streamed"),
    ("responses-delta-done-mismatch", "output_text.done alone says another text"),
    ("responses-delta-done-mismatch", "function_call_arguments.done alone says other arguments"),
}


def _is_argued(rule: str, variants: tuple[str, ...] | None, api: str = "", strict: bool | None = None) -> bool:
    return bool(breaks(rule, variants, api, strict)) or promise_of(rule, api) is not None


@batched("rule", RULES)
def test_an_error_names_a_client_or_a_promise(rule):
    assert _is_argued(rule.name, None)
    assert all(_is_argued(rule.name, (form,)) for form in rule.variants if (rule.name, form) not in _NO_ERROR)


def test_so_does_every_error_of_fixtures_and_forms():
    homes = [rule_fixtures.folder(rule.name) / "bad" for rule in all_rules()]
    homes += [*corpus.directories("protocols"), *corpus.directories("reports")]
    exchanges = [*map(corpus.load, homes), *(form.exchange for form in FORMS)]
    errors = [one for made in exchanges for one in analyze(made).findings if one.severity is Severity.ERROR]
    assert len(errors) > 100
    assert [one for one in errors if not _is_argued(one.rule, one.variants, one.api, one.strict)] == []


def test_a_form_that_harmed_nobody_is_none_of_an_error_by_observation():
    """What was measured to harm nobody and is promised nowhere is no error."""
    for rule in RULES:
        measured = {one.form for one in asked(rule.name) if (rule.name, one.form) not in _NO_ERROR}
        assert promise_of(rule.name) or all(breaks(rule.name, (form,)) for form in measured if form)


def test_the_promise_is_in_the_json():
    told = finding_json(Finding("json-malformed", Severity.ERROR, "no JSON", api="chat.completions"))
    assert (told["breaks"], told["promise"][:8]) == ([], "RFC 8259")
    for observed in ("gzip-several-members", "responses-delta-done-mismatch", "messages-done-marker"):
        assert finding_json(Finding(observed, Severity.ERROR, "as it came"))["promise"] is None


def _hurt(made: Exchange, rule: str) -> set[str]:
    [found] = [one for one in analyze(made).findings if one.rule == rule]
    return {one.client for one in breaks(rule, found.variants, found.api, found.strict) if one.measured}


@pytest.mark.parametrize(
    ("body", "kind"),
    [({"detail": "no"}, "application/json"), ({"message": "no"}, "application/json"), ("<html>no</html>", "text/html")],
)
def test_huggingface_hub_shows_the_words_of_such_a_body_at_422_alone(body, kind):
    told, kept = (_hurt(failing(body, kind, status), "http-error-body-shape") for status in (422, 401))
    assert kept - told == {"py-hf-hub"}
    assert told < kept


def test_counts_that_are_0_until_the_finish_hurt_autogen_alone():
    nothing = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), 0)
    *payloads, finish = chat_text()
    made = exchange(sse([*({**one, "usage": nothing} for one in payloads), {**finish, "usage": dict(USAGE)}]))
    assert _hurt(made, "usage-on-every-chunk") == {"py-autogen"}
