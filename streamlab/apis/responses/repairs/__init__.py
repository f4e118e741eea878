"""Repairs of Responses streams."""

from streamlab.apis.responses.repairs.response import ResponseRepair
from streamlab.rules.repair import Repair

SHARED: tuple[type[Repair], ...] = (ResponseRepair,)
