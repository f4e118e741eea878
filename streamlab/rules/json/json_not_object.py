"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.bad_payloads import MisfitRule
from streamlab.rules.base import quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK
from streamlab.wire.bad_payloads import Misfit, Named
from streamlab.wire.json_values import objects_in, says_nothing


class JsonNotObject(MisfitRule):
    """An event's payload is JSON, but no object: a list, a string, a number, null.

    ## What OpenAI does
    Every payload but ``[DONE]`` is a JSON object.

    ## Why it matters
    Clients read members of the payload: openai-python's ``.stream()``, openai-node, LangChain and pydantic-ai raise,
    the AI SDK reports a validation error; openai-python's plain iteration hands the value to the caller.

    ## Repair
    A list of objects is taken apart into events; a text that is the JSON of an object, or ``[DONE]``, was encoded once
    too often and is decoded. Null, a number and what is empty say nothing and become comments; so, on request only,
    does another text or list, which may say something.
    """

    name = "json-not-object"
    severity = Severity.ERROR
    source = CHAT_CHUNK
    of_some = Repairability.SAFE
    apis = Scope.JUDGED
    kind = Misfit.NOT_OBJECT

    def tell(self, named: Named) -> Finding:
        value = named.event.value
        safe = says_nothing(value) or bool(objects_in(value))
        return self.found_in(
            named,
            f"the payload is {_KINDS.get(type(value), 'no object')}: {quote(named.event.sse.text)}",
            expected="a JSON object",
            actual=value,
            repairability=Repairability.SAFE if safe else Repairability.UNSAFE,
        )


_KINDS = {list: "a list", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}
