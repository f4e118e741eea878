"""See the class."""

from __future__ import annotations

from streamlab.apis.chat.arguments_rule import ArgumentsRule
from streamlab.apis.chat.repairs import ToolCalls
from streamlab.rules.finding import Repairability
from streamlab.wire.arguments import ArgumentsFault


class ToolCallArgumentsEmptyObjectPrefix(ArgumentsRule):
    """The arguments of a tool call begin with an extra ``{}``.

    ## What OpenAI does
    Begins the arguments with ``""``; there is no placeholder.

    ## Why it matters
    Joined they read ``{}{"city":"Paris"}``, which no client parses: LangChain (Python) calls the function with
    ``{}``, all other measured clients have no valid call. Gateways in front of Bedrock and Anthropic pass on the
    ``{}`` with which those open a call. A call with ``{}`` alone is a call without arguments and fine.

    ## Repair
    A leading ``{}`` is held back until it is clear whether more follows.
    """

    name = "tool-call-arguments-empty-object-prefix"
    answer_fact = "arguments-prefixed"
    repairability = Repairability.SAFE
    repair = ToolCalls
    fault = ArgumentsFault.PREFIX
    said = "begin with an extra {}"
