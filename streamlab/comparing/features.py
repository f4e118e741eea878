"""What the answers to the questions of `Api.questions` say about a server, feature by feature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from streamlab.apis.question import SHORT_CHARACTERS, STOP_WORD, Question, Shows
from streamlab.comparing.parity import Answer, Parity, answer_of, calls_of, compare_modes
from streamlab.comparing.verdict import faults
from streamlab.exchange import Ending, Exchange
from streamlab.judging.report import Report
from streamlab.rules.finding import Finding, Severity
from streamlab.wire import reading
from streamlab.wire.leaks import bare_call, leaked_call
from streamlab.wire.payload import JsonObject
from streamlab.wire.visible import visible


class Support(StrEnum):
    """What became of a question."""

    PASS = "pass"
    DEVIATES = "deviates"
    UNSUPPORTED = "unsupported"  # refused, or ignored
    NOT_TESTED = "not tested"  # never asked, or the model did not do what it was asked for


_GRAVITY = (Support.DEVIATES, Support.UNSUPPORTED, Support.NOT_TESTED, Support.PASS)


#: For each choice: its text, and its tool calls, ids aside.
Said = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class ModeOutcome:
    """One question in one mode. ``findings`` are those that are more than information; ``id`` is in the database."""

    state: Support
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    id: int | None = None
    #: Text and tool calls of each choice; None where the answer is none, or did not come to its end.
    said: Said | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules that spoke."""
        return tuple(finding.rule for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Feature:
    """One question, answered in both modes. Where the same was asked directly, ``blame`` says whose fault it is, and
    ``changed`` what the gateway made of a text."""

    question: Question
    streamed: ModeOutcome
    whole: ModeOutcome
    parity: Parity | None = None
    blame: str = ""
    changed: str = ""

    @property
    def parity_findings(self) -> tuple[Finding, ...]:
        """How the two modes differ, information aside."""
        found = self.parity.findings if self.parity is not None else ()
        return tuple(one for one in found if one.severity is not Severity.INFO)

    @property
    def state(self) -> Support:
        """The gravest of both modes and of their parity."""
        states = [self.streamed.state, self.whole.state]
        if self.parity_findings or self.changed:
            states.append(Support.DEVIATES)
        return min(states, key=_GRAVITY.index)

    @property
    def rules(self) -> frozenset[str]:
        """Every rule that spoke, the parity ones included."""
        return frozenset((*self.streamed.rules, *self.whole.rules, *(one.rule for one in self.parity_findings)))


def judge(question: Question, exchange: Exchange, report: Report, seconds: float) -> ModeOutcome:
    """The outcome of one question in one mode; ``seconds`` is how long its end was waited for."""
    found = tuple(faults(report).values())
    state, reason = _judged(question, exchange, found, seconds)
    return ModeOutcome(state, reason, found if state is Support.DEVIATES else (), exchange.id, _said_in(exchange))


def _said_in(exchange: Exchange) -> Said | None:
    if exchange.ending is not Ending.COMPLETE or exchange.head is None or exchange.head.status >= 300:
        return None
    answer = answer_of(exchange)
    if answer.error is not None or not answer.first:
        return None
    return tuple(
        (choice.get("content") or "", tuple(sorted(calls_of(choice).elements()))) for choice in _choices(answer)
    )


def _judged(question: Question, exchange: Exchange, found: Sequence[Finding], seconds: float) -> tuple[Support, str]:
    head = exchange.head
    if head is None:
        return Support.DEVIATES, _no_answer(exchange, seconds)
    answer = answer_of(exchange)
    if question.shows is Shows.REFUSED:
        return _refusal(question, answer, head.status, found)
    if head.status >= 400:
        words = f"HTTP {head.status}{_said(answer)}"
        refused = not question.basic and (head.status < 500 or head.status == 501)
        return (Support.UNSUPPORTED if refused else Support.DEVIATES), words
    if exchange.ending is Ending.CLIENT_LEFT:
        return Support.DEVIATES, f"no end within {seconds:g} s"
    left = _call_in_text(question, _choices(answer))
    if found or left:
        return Support.DEVIATES, ", ".join(dict.fromkeys((*(finding.rule for finding in found), *left)))
    return _SHOWN[question.shows](_choices(answer), answer)


def _no_answer(exchange: Exchange, seconds: float) -> str:
    if exchange.ending is Ending.CLIENT_LEFT:
        return f"no answer within {seconds:g} s"
    why = exchange.notes.get("ending_reason")
    return f"no answer: {exchange.ending}" + (f" ({visible(str(why), 40)})" if why else "")


def _said(answer: Answer) -> str:
    error = answer.error if answer.error is not None else answer.first
    text = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    return f": {visible(str(text), 80)}" if text else ""


def _refusal(question: Question, answer: Answer, status: int, found: Sequence[Finding]) -> tuple[Support, str]:
    if 400 <= status < 500:
        if found:
            return Support.DEVIATES, ", ".join(finding.rule for finding in found)
        return Support.PASS, f"HTTP {status}"
    if status < 300 and answer.error is not None:
        return Support.DEVIATES, f"HTTP {status} with the error inside"
    if status < 300 and question.model is not None:
        return Support.UNSUPPORTED, "answered all the same: model names are not checked"
    words = "answered all the same" if status < 300 else _said(answer).removeprefix(": ")
    return Support.DEVIATES, f"HTTP {status}, {words}"


# -- what an answer shows ---------------------------------------------------------------------------------------------

Judged = tuple[Support, str]
_PASSED: Judged = (Support.PASS, "")


def _choices(answer: Answer) -> list[JsonObject]:
    found: list[JsonObject] = answer.completion.get("choices") or [answer.completion]
    return found


def _text(choices: list[JsonObject]) -> str:
    return choices[0].get("content") or ""


def _shows_text(choices: list[JsonObject], answer: Answer) -> Judged:
    if _text(choices) or choices[0].get("reasoning") or choices[0].get("refusal"):
        return _PASSED
    if choices[0].get("tool_calls"):
        return Support.NOT_TESTED, "the model called a tool instead"
    return Support.DEVIATES, "an empty answer"


def _shows_reasoning(choices: list[JsonObject], answer: Answer) -> Judged:
    return _PASSED if choices[0].get("reasoning") else (Support.UNSUPPORTED, "ignored: no thinking in the answer")


def _shows_newlines(choices: list[JsonObject], answer: Answer) -> Judged:
    return _PASSED if "\n" in _text(choices).strip() else (Support.NOT_TESTED, "the model wrote one line")


def _shows_short(choices: list[JsonObject], answer: Answer) -> Judged:
    length = len(_text(choices))
    if 0 < length <= SHORT_CHARACTERS:
        return _PASSED
    return Support.NOT_TESTED, f"the model wrote {length} characters"


def _call_in_text(question: Question, choices: list[JsonObject]) -> list[str]:
    """What the model wrote where it was to call a function, in words; empty where it called, or wrote no call."""
    if question.shows not in (Shows.CALL, Shows.CALLS) or choices[0].get("tool_calls"):
        return []
    text, names = _text(choices), reading.request_tools(question.body)
    left = leaked_call(text, names) or bare_call(text, names)
    return [f"the call was left as text: {visible(left, 60)}"] if left else []


def _shows_calls(wanted: int) -> Callable[[list[JsonObject], Answer], Judged]:
    def shows(choices: list[JsonObject], answer: Answer) -> Judged:
        calls = reading.as_list(choices[0].get("tool_calls"))
        if len(calls) >= wanted:
            return _PASSED
        made = "no call" if not calls else f"{len(calls)} call"
        return Support.NOT_TESTED, f"the model made {made}"

    return shows


def _shows_choices(choices: list[JsonObject], answer: Answer) -> Judged:
    return _PASSED if len(choices) >= 2 else (Support.UNSUPPORTED, "ignored: one choice")


def _shows_stopped(choices: list[JsonObject], answer: Answer) -> Judged:
    if STOP_WORD in _text(choices):
        return Support.UNSUPPORTED, "ignored: the stop word is in the text"
    finish = choices[0].get("finish_reason")
    return _PASSED if finish == "stop" else (Support.NOT_TESTED, f"finish_reason is {visible(str(finish), 20)}")


def _shows_length(choices: list[JsonObject], answer: Answer) -> Judged:
    finish = choices[0].get("finish_reason")
    if finish == "length":
        return _PASSED
    return Support.UNSUPPORTED, f"ignored: finish_reason is {visible(str(finish), 20)}"


def _shows_usage(choices: list[JsonObject], answer: Answer) -> Judged:
    return _PASSED if isinstance(answer.completion.get("usage"), dict) else (Support.UNSUPPORTED, "ignored: no usage")


def _shows_logprobs(choices: list[JsonObject], answer: Answer) -> Judged:
    return _PASSED if answer.logprobs else (Support.UNSUPPORTED, "ignored: no logprobs")


_SHOWN: dict[Shows, Callable[[list[JsonObject], Answer], Judged]] = {
    Shows.TEXT: _shows_text,
    Shows.REASONED: _shows_reasoning,
    Shows.NEWLINES: _shows_newlines,
    Shows.SHORT: _shows_short,
    Shows.CALL: _shows_calls(1),
    Shows.CALLS: _shows_calls(2),
    Shows.CHOICES: _shows_choices,
    Shows.STOPPED: _shows_stopped,
    Shows.LENGTH: _shows_length,
    Shows.USAGE: _shows_usage,
    Shows.LOGPROBS: _shows_logprobs,
}


# -- both modes, and both ways ----------------------------------------------------------------------------------------


def feature_of(
    question: Question, streamed: ModeOutcome, whole: ModeOutcome, pair: tuple[Exchange, Exchange] | None
) -> Feature:
    """A question's outcome; ``pair`` are the streamed and the whole exchange, None when one was not asked."""
    parity = compare_modes(*pair) if pair is not None and all(one.head is not None for one in pair) else None
    if parity is not None and question.shows is Shows.REFUSED:  # what an answer says that should not be, is no matter
        refusals = tuple(one for one in parity.findings if one.rule == "parity-error-status")
        parity = replace(parity, findings=refusals)
    return Feature(question, streamed, whole, parity)
