"""A busy machine is no reason to fail: hypothesis has no deadline here, and no process of ours stands back.

Hypothesis' examples are always the same, so that what passes here passes everywhere; `make fuzz` takes random ones.
"""

from __future__ import annotations

import os
import signal
import sys

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests.examples import examples

# Hundreds of tests start programs, which compile the package each time where the environment keeps no compiled modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Whoever waits for the analyst or the writer would wait for everybody else on the machine first.
os.environ.setdefault("STREAMLAB_STAND_BACK", "0")
_SLOW = [HealthCheck.too_slow]
settings.register_profile(
    "same", derandomize=True, database=None, deadline=None, suppress_health_check=_SLOW, max_examples=examples(100)
)
settings.register_profile("random", deadline=None, suppress_health_check=_SLOW, print_blob=True)
_PROFILE = os.environ.get("STREAMLAB_EXAMPLES", "same")
settings.load_profile(_PROFILE)
if _PROFILE == "same" and hasattr(providers, "_get_local_constants"):  # not yet in the oldest that we take
    # Hypothesis takes constants of the modules that are loaded into its examples, derandomized or not: they would be
    # others in each worker of xdist.
    providers._get_local_constants = providers.Constants

# A shell tells what it starts in its background to ignore these, and they pass on to every program that a test starts.
for _name, _usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)
