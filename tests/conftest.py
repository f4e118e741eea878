"""How hypothesis runs here: a busy machine is no reason to fail; in CI (``CI`` is set) examples are always the same."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "here")
