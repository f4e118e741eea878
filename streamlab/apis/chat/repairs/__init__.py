"""Repairs that several rules of chat share; a repair of one rule alone lives in that rule's module. Core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlab.rules.later import later

if TYPE_CHECKING:
    from streamlab.rules.repair import Repair

ForeignEvents = later("streamlab.apis.chat.repairs.foreign", "ForeignEvents")
Envelope = later("streamlab.apis.chat.repairs.envelope", "Envelope")
ChoiceShape = later("streamlab.apis.chat.repairs.choices", "ChoiceShape")
DeltaShape = later("streamlab.apis.chat.repairs.deltas", "DeltaShape")
MixedReasoning = later("streamlab.apis.chat.repairs.deltas", "MixedReasoning")
ToolCalls = later("streamlab.apis.chat.repairs.tool_calls", "ToolCalls")
Closing = later("streamlab.apis.chat.repairs.closing", "Closing")
LateFinish = later("streamlab.apis.chat.repairs.late_finish", "LateFinish")
Ended = later("streamlab.apis.chat.repairs.ended", "Ended")

SHARED: tuple[type[Repair], ...] = (
    ForeignEvents,
    Envelope,
    ChoiceShape,
    DeltaShape,
    MixedReasoning,
    ToolCalls,
    Closing,
    LateFinish,
    Ended,
)
