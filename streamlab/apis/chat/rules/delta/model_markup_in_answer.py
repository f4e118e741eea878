"""See the class."""

from __future__ import annotations

import re

from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import OBSERVED

#: The frame of a message in OpenAI's harmony format, at the beginning of a text: nobody begins to talk like this.
_HARMONY = re.compile(r"\s*(?:<\|start\|>\w*)?<\|channel\|>\s*(?:analysis|commentary|final)\b")
#: Gemma 4 quotes strings by a token, whole or torn, which then ends a string of the arguments.
_QUOTE_TOKEN = re.compile(r"<\|\\?\"\|>|<\|(?=\"\s*[,}\]])")
_SPECIAL = re.compile(r"<\|[^|<>]{0,40}\|>")


class ModelMarkupInAnswer(Rule):
    """Special tokens of the model stand in the text, in a tool's name or in its arguments.

    Told only where nothing else can be meant: a text that begins with the frame of a harmony message, a name with a
    token in it, a string of the arguments that ends in Gemma's token for a quotation mark.

    ## What OpenAI does
    Never sends special tokens.

    ## Why it matters
    The user is shown markup, a tool of that name does not exist, a file of that path neither. The server's parser is
    made for another model or lost its way.

    ## Repair
    None: where the token ends and the answer begins is a guess.
    """

    name = "model-markup-in-answer"
    severity = Severity.ERROR
    source = OBSERVED

    def end(self, ending: Ending) -> Findings:
        for index, state in sorted(self.ctx.accumulator.choices.items()):
            match = _HARMONY.match(str(state.content or ""))
            if match is not None:
                yield self.found(
                    f"the text begins with the model's own markup: {quote(match.group().strip())}",
                    path=f"choices[{index}].delta.content",
                    actual=match.group(),
                )
            for call in state.calls.values():
                yield from self._in_call(index, str(call.name or ""), str(call.arguments or ""))

    def _in_call(self, index: int, name: str, arguments: str) -> Findings:
        path = f"choices[{index}].delta.tool_calls[].function"
        if (match := _SPECIAL.search(name)) is not None:
            yield self.found(f"the name of a call holds a token of the model: {quote(name)}", path=f"{path}.name")
        elif (match := _QUOTE_TOKEN.search(arguments)) is not None:
            shown = arguments[max(0, match.start() - 30) : match.end()]
            yield self.found(
                f"a string of a call's arguments ends in a token of the model: {quote(shown)}",
                path=f"{path}.arguments",
                severity=Severity.WARNING,
            )
