"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import Envelope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.wire import reading
from streamlab.wire.events import StreamEvent
from streamlab.wire.reading import Fact

_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")


class ServiceTierUnknown(Rule):
    """``service_tier`` has a value that OpenAI does not define.

    ## What OpenAI does
    Sends ``default`` in every chunk since January 2025, and ``auto``, ``flex``, ``scale``, ``priority`` or ``fast``
    where they apply; null or no key is fine.

    ## Why it matters
    A client with a closed enum loses the whole chunk (async-openai with Groq's ``on_demand``). No measured client does,
    and OpenAI extends the list over time, so this is a warning.

    ## Repair
    The field is removed.
    """

    name = "service-tier-unknown"
    severity = Severity.WARNING
    source = CHAT_CHUNK
    repairability = Repairability.SAFE
    repair = Envelope
    apis = frozenset({api_names.CHAT, api_names.RESPONSES})
    on = Fact.SHAPE | Fact.ENVELOPE  # the shape alone for events of the Responses API

    def event(self, at: int, event: StreamEvent) -> Findings:
        chunk = reading.chunk_of(event)
        path = "service_tier" if "response" not in chunk else "response.service_tier"
        tier = (chunk if "response" not in chunk else reading.as_object(chunk["response"])).get("service_tier")
        if tier is not None and tier not in _TIERS:
            self.retire()
            yield self.found(
                f"service_tier is {quote(tier)}",
                at,
                path=path,
                expected=" | ".join(_TIERS),
                actual=tier,
            )
