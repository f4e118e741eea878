"""See the class."""

from __future__ import annotations

from streamlab.apis.ollama.rules.base import OLLAMA_STREAMING, LastLineRule
from streamlab.exchange import Ending
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity


class OllamaDoneMissing(LastLineRule):
    """A stream of Ollama's ends with a line that is not ``"done": true``.

    An error ends a stream as well.

    ## What Ollama does
    Ends with an object that says ``"done": true``, why, and how many tokens there were.

    ## Why it matters
    ollama-python 0.6.3 hands out the half answer without an exception (measured); only who looks at ``done`` knows.

    ## Repair
    None: why it stopped is not on the wire.
    """

    name = "ollama-done-missing"
    severity = Severity.WARNING
    source = OLLAMA_STREAMING
    repairability = Repairability.NONE

    def end(self, ending: Ending) -> Findings:
        value = self.read_whole(self.last_line(ending))
        if value is not None and value.get("done") is not True and not value.get("error"):
            yield self.found('the last line does not say "done": true', expected=True, actual=value.get("done"))
