"""Repairs of Responses streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlab.rules.later import later

if TYPE_CHECKING:
    from streamlab.rules.repair import Repair

ResponseRepair = later("streamlab.apis.responses.repairs.response", "ResponseRepair")

SHARED: tuple[type[Repair], ...] = (ResponseRepair,)
