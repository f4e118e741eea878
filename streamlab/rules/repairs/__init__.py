"""Repairs that several rules of every API share; a repair of one rule alone lives in that rule's module. Core."""

from streamlab.rules.repair import Repair
from streamlab.rules.repairs.characters import CutCharacters
from streamlab.rules.repairs.errors import ErrorShape
from streamlab.rules.repairs.framing import Framing
from streamlab.rules.repairs.payloads import TornPayloads

SHARED: tuple[type[Repair], ...] = (Framing, TornPayloads, CutCharacters, ErrorShape)
