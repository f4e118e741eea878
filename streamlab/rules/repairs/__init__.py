"""Repairs that several rules of every API share; a repair of one rule alone lives in that rule's module. Core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlab.rules.later import later

if TYPE_CHECKING:
    from streamlab.rules.repair import Repair

Framing = later("streamlab.rules.repairs.framing", "Framing")
TornPayloads = later("streamlab.rules.repairs.payloads", "TornPayloads")
CutCharacters = later("streamlab.rules.repairs.characters", "CutCharacters")
ErrorShape = later("streamlab.rules.repairs.errors", "ErrorShape")

SHARED: tuple[type[Repair], ...] = (Framing, TornPayloads, CutCharacters, ErrorShape)
