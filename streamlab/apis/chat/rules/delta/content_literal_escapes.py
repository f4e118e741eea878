"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import LiteralEscapesRule
from streamlab.rules.sources import CHAT_CHUNK_DELTA


class ContentLiteralEscapes(LiteralEscapesRule):
    """Line ends come as the two characters ``\\`` and ``n``.

    Told where a text has such line ends between its sentences and not one real one, and speaks of no code.

    ## What OpenAI does
    Sends the text as the model made it; its line ends are ``\\n`` in the JSON, and line ends once it is read.

    ## Why it matters
    Somebody escaped the text twice. Every client shows ``First.\\nSecond.``, and lists, tables and code run together.

    ## Repair
    None: a text may mean those two characters.
    """

    name = "content-literal-escapes"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
