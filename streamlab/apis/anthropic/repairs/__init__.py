"""Repairs of Messages streams, in the order of the pipeline."""

from streamlab.apis.anthropic.repairs.message import MessageRepair
from streamlab.apis.anthropic.repairs.names import MessageErrors, MessageFrames, MessageNames
from streamlab.rules.repair import Repair

SHARED: tuple[type[Repair], ...] = (MessageNames, MessageErrors, MessageRepair, MessageFrames)
