"""What the demo shows, in order."""

from __future__ import annotations

from dataclasses import dataclass

from streamlab.standins import Scenario, scenarios


@dataclass(frozen=True, slots=True)
class Act:
    """One request to one system, and the rules that must speak: about it, and about the hop behind a gateway.

    ``rules`` are the scenario's, or fewer where the client leaves when it stumbles, before the stream is over.
    """

    system: str
    standin: str
    scenario: Scenario
    rules: tuple[str, ...]
    behind_rules: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Unique, and fit for a tap and for a folder."""
        return f"{self.standin}-{self.scenario.name}"

    @property
    def behind_name(self) -> str:
        """The same for the hop behind a gateway."""
        return f"{self.name}-upstream"


#: Scenarios in which every client stumbles and leaves, and what it has seen by then.
_LEAVES = {"glm4-newline": ("sse-empty-data-event",)}
#: (what a stranger would call it, stand-in, scenario, rules about the hop behind)
_BILL: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("GLM-4, newline in the answer", "glm4", "newline", ()),
    ("GLM-4, tool call", "glm4", "tool-ids", ()),
    ("GLM-4, follow-up after the tool", "glm4", "follow-up-500", ()),
    ("GLM-4, crash in mid-stream", "glm4", "mid-stream-cut", ()),
    ("ChatGLM3, short answer", "chatglm3", "short-empty", ()),
    ("GLM-4 behind one-api", "oneapi", "glm4-newline", ("plain-text-in-data",)),
    ("one-api 0.6.6 with Gemini", "oneapi-gemini", "stop-everywhere", ()),
    ("one-api 0.6.7 with Gemini", "oneapi-gemini", "no-finish", ()),
    ("one-hub with Gemini, tool call", "onehub", "double-finish", ()),
    ("TGI behind one-api", "oneapi", "tgi-no-space", ("sse-no-space-after-colon",)),
    ("Messages: message_start twice", "messages-gateway", "two-starts", ()),
    ("Messages: thinking in a text block", "messages-gateway", "thinking-in-text", ()),
    ("Messages: a block closed twice", "messages-gateway", "second-stop", ()),
    ("Messages: no event names", "messages-gateway", "no-event-names", ()),
    ("Messages: no end", "messages-gateway", "no-terminal", ()),
    ("Messages: tool input in the start", "messages-gateway", "input-in-start", ()),
    ("Responses: one output_index for all", "responses-gateway", "one-output-index", ()),
    ("Responses: a failure as completed", "responses-gateway", "failure-as-completed", ()),
    ("Anthropic itself, for comparison", "anthropic", "thinking", ()),
    ("Responses of OpenAI, for comparison", "responses", "tool", ()),
    ("OpenAI itself, for comparison", "openai", "plain", ()),
)


def acts() -> tuple[Act, ...]:
    """The programme of the demo."""
    return tuple(_act(*line) for line in _BILL)


def _act(system: str, standin: str, name: str, behind_rules: tuple[str, ...]) -> Act:
    scenario = next(one for one in scenarios(standin) if one.name == name)
    rules = scenario.rules if standin != "oneapi" else _LEAVES.get(name, scenario.rules)
    return Act(system, standin, scenario, rules, behind_rules)
