"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import (
    AI_SDK_NEEDS,
    CREATED,
    FAILED,
    IN_PROGRESS,
    NEVER_NULL,
    RESPONSE_MEMBERS,
    text_of,
)
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import ResponsesRule, lack
from streamlab.rules.base import Findings
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import RESPONSES
from streamlab.wire.events import StreamEvent
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object

#: Members whose absence has a rule of its own.
_OWN_RULES = frozenset({"id", "output", "usage"})


class ResponsesResponseMembersMissing(ResponsesRule):
    """The response lacks members that it always has.

    ## What OpenAI does
    Sends 23 members in every response, 2,096 of 2,102 streams; the others were edited by hand.

    ## Why it matters
    Harmless down to id, status, output and usage, with two exceptions: the AI SDK rejects ``response.created``
    without ``model``, ``object`` and ``created_at``, and with it the stream; and `.stream()` of openai-python 1.109 and
    of openai-node 4.104 raise where its ``output`` is no list.

    ## Repair
    ``object`` is a constant, the model that of the request where it is known, ``created_at`` the head's date, and
    ``output`` is empty when a response begins. Nothing needs the others.
    """

    name = "responses-response-members-missing"
    severity = Severity.INFO
    source = RESPONSES
    repairability = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.LIFECYCLE

    variants = (
        *(f"{member} is {how} in created" for member in sorted(AI_SDK_NEEDS) for how in ("absent", "null")),
        *(f"output is {how} in {kind}" for kind in ("created", "in_progress") for how in ("absent", "null")),
    )

    def event(self, at: int, event: StreamEvent) -> Findings:
        response = self.value(event).get("response")
        if type(response) is not dict or not response:
            return
        told = self.response.kind == CREATED
        lacking = [
            member
            for member in RESPONSE_MEMBERS
            if member not in response or (member in NEVER_NULL and response[member] is None)
        ]
        needed = [member for member in lacking if member in AI_SDK_NEEDS] if told else []
        own = _OWN_RULES if self.response.terminal else {"id"}
        lacking = [member for member in lacking if member not in own]
        for member in needed:
            state = "is null" if member in response else "is missing"
            how = Repairability.SAFE if self._is_known(member) else Repairability.NONE
            message = f"{member} of {self.response.kind} {state}"
            form = self._form(response, member)
            path, severity = f"response.{member}", Severity.ERROR
            yield self.found(message, at, path=path, severity=severity, repairability=how, variant=form)
        if "output" in lacking and self.response.kind in (CREATED, IN_PROGRESS):
            message = f"output of {self.response.kind} is {'null' if 'output' in response else 'missing'}"
            path, severity, how = "response.output", Severity.WARNING, Repairability.SAFE
            form = self._form(response, "output")
            yield self.found(message, at, path=path, severity=severity, repairability=how, variant=form)
            needed.append("output")
        rest = [member for member in lacking if member not in needed]
        if rest:
            some = ", ".join(rest[:6]) + (", …" if len(rest) > 6 else "")
            message = f"the response of {self.response.kind} lacks {len(rest)} member{'s' * (len(rest) > 1)}: {some}"
            known = self.response.kind != FAILED and all(
                member in AI_SDK_NEEDS and self._is_known(member) for member in rest
            )
            how = Repairability.SAFE if known else Repairability.NONE
            yield self.found(message, at, path="response", expected=list(RESPONSE_MEMBERS), repairability=how)

    def _form(self, response: JsonObject, member: str) -> str | None:
        """Which form it is; None for one that no client was asked about."""
        form = f"{member} is {lack(response, member)} in {self.response.kind.removeprefix('response.')}"
        return self.form_asked(form)

    def _is_known(self, member: str) -> bool:
        """Whether a member that is needed can be filled in."""
        told = as_object(self.response.response).get(member) or self.ctx.body.get(member)
        return member != "model" or bool(text_of(told))
