"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import OBSERVED
from streamlab.wire.events import Chunk
from streamlab.wire.visible import quoted


class ObfuscationPresent(Rule):
    """Chunks carry random padding that hides the length of their text.

    ## What OpenAI does
    Adds ``obfuscation`` to every chunk by default since August 2025; ``stream_options.include_obfuscation: false``
    turns it off. Mistral's ``p`` is the same. This is never a deviation.

    ## Why it matters
    It makes chunks larger than their text and recordings differ from one another where nothing else does.

    ## Repair
    None: OpenAI sends it.
    """

    name = "obfuscation-present"
    severity = Severity.INFO
    source = OBSERVED
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.RESPONSES})

    def shape(self, at: int, chunk: Chunk) -> Findings:
        for key in ("obfuscation", "p"):
            if type(chunk.json.get(key)) is str:
                yield self.found(f"chunks are padded with {quoted(key)}", at, path=key)
