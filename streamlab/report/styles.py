"""The colours of severities, on the command line and in the workbench."""

from __future__ import annotations

from streamlab.rules.severity import Severity

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
