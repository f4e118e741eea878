"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.cumulative import CumulativeDeltas, KeepWhatIsNew
from streamlab.wire.reading import Fact
from streamlab.wire.runs import TextKind


class KeepNewText(KeepWhatIsNew):
    """Sends only what each delta adds to the text."""

    rules = ("cumulative-content",)
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.CONTENT | Fact.TEXT
    kind = TextKind.CONTENT


class CumulativeContent(CumulativeDeltas):
    """Every delta holds the whole text so far instead of what is new.

    ## What OpenAI does
    Sends in each delta what the model has added since the last one.

    ## Why it matters
    Every client joins the deltas, so the user reads ``HelloHello worldHello world, how``; {clients: wrong} measured
    clients show it, and none raises.

    ## Repair
    Each delta is cut down to what it adds.
    """

    name = "cumulative-content"
    repair = KeepNewText
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.CONTENT | Fact.TEXT
