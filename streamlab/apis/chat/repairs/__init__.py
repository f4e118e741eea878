"""Repairs that several rules of chat share; a repair of one rule alone lives in that rule's module. Core."""

from streamlab.apis.chat.repairs.choices import ChoiceShape
from streamlab.apis.chat.repairs.closing import Closing
from streamlab.apis.chat.repairs.deltas import DeltaShape, MixedReasoning
from streamlab.apis.chat.repairs.ended import Ended
from streamlab.apis.chat.repairs.envelope import Envelope
from streamlab.apis.chat.repairs.foreign import ForeignEvents
from streamlab.apis.chat.repairs.late_finish import LateFinish
from streamlab.apis.chat.repairs.tool_calls import ToolCalls
from streamlab.rules.repair import Repair

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
