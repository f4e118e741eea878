"""See the class."""

from __future__ import annotations

from streamlab.apis.anthropic.expectations import MESSAGES_STREAMING
from streamlab.rules.finding import Severity
from streamlab.rules.odd_texts import LiteralEscapesRule


class MessagesTextLiteralEscapes(LiteralEscapesRule):
    """Line ends of the text come as the two characters ``\\`` and ``n``.

    Told where a text has such line ends between its sentences and not one real one, and speaks of no code.

    ## What Anthropic does
    Sends the text as the model made it: its line ends are ``\\n`` in the JSON, and line ends once it is read.

    ## Why it matters
    Somebody escaped the text twice. Clients join the deltas, so the user reads ``First.\\nSecond.``, and lists, tables
    and code run together.

    ## Repair
    None: a text may mean those two characters.
    """

    name = "messages-text-literal-escapes"
    severity = Severity.ERROR
    source = MESSAGES_STREAMING
