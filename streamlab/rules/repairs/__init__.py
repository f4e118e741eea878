"""Repairs: the incremental changes that remove deviations. `SHARED` are those in which several rules share a mechanism;
a repair that belongs to one rule alone lives in that rule's module. Core.
"""

from streamlab.rules.repairs.base import Repair
from streamlab.rules.repairs.choices import ChoiceShape
from streamlab.rules.repairs.closing import Closing, Ended
from streamlab.rules.repairs.deltas import DeltaShape, MixedReasoning
from streamlab.rules.repairs.envelope import Envelope
from streamlab.rules.repairs.errors import ErrorShape
from streamlab.rules.repairs.framing import Framing
from streamlab.rules.repairs.payloads import CutCharacters, TornPayloads
from streamlab.rules.repairs.responses import ResponsesEvents
from streamlab.rules.repairs.tool_calls import ToolCalls

SHARED: tuple[type[Repair], ...] = (
    Framing,
    TornPayloads,
    CutCharacters,
    ErrorShape,
    Envelope,
    ChoiceShape,
    DeltaShape,
    MixedReasoning,
    ToolCalls,
    Closing,
    Ended,
    ResponsesEvents,
)
