"""Repairs of Messages streams, in the order of the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlab.rules.later import later

if TYPE_CHECKING:
    from streamlab.rules.repair import Repair

MessageNames = later("streamlab.apis.anthropic.repairs.names", "MessageNames")
MessageErrors = later("streamlab.apis.anthropic.repairs.names", "MessageErrors")
MessageRepair = later("streamlab.apis.anthropic.repairs.message", "MessageRepair")
MessageFrames = later("streamlab.apis.anthropic.repairs.names", "MessageFrames")

SHARED: tuple[type[Repair], ...] = (MessageNames, MessageErrors, MessageRepair, MessageFrames)
