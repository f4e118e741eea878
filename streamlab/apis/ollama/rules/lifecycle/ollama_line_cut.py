"""See the class."""

from __future__ import annotations

from streamlab.apis.ollama.rules.base import OLLAMA_STREAMING, LastLineRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Repairability, Severity


class OllamaLineCut(LastLineRule):
    """The last line of a stream of Ollama's is half an object, although the response ended properly.

    ## What Ollama does
    Writes whole objects, one a line.

    ## Why it matters
    ollama-python 0.6.3 raises ``JSONDecodeError`` after the text that came (measured).

    ## Repair
    None: the rest is not on the wire.
    """

    name = "ollama-line-cut"
    severity = Severity.ERROR
    source = OLLAMA_STREAMING
    repairability = Repairability.NONE

    def end(self, ending: Ending) -> Findings:
        line = self.last_line(ending)
        if line and self.read(line) is None:
            shown = line[-60:].decode("utf-8", "replace")
            yield self.found(f"the last line is cut: it ends {quote(shown)}", expected="a whole object", actual=shown)
