"""A busy machine is no reason to fail: hypothesis has no deadline here, and no process of ours stands back.

In CI (``CI`` is set) hypothesis' examples are always the same.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Whoever waits for the analyst or the writer would wait for everybody else on the machine first.
os.environ.setdefault("STREAMLAB_STAND_BACK", "0")
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "here")
