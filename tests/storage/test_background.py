"""Standing back behind others, and not under test."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ASK = "import os; from streamlab.storage.background import stand_back; stand_back(); print(os.getpriority(0, 0))"


@pytest.mark.parametrize(("wish", "lower"), [(None, True), ("1", True), ("0", False)])
def test_it_lets_others_go_first_unless_the_environment_says_no(wish, lower):
    environment = {name: value for name, value in os.environ.items() if name != "STREAMLAB_STAND_BACK"}
    environment |= {} if wish is None else {"STREAMLAB_STAND_BACK": wish}
    before = os.getpriority(os.PRIO_PROCESS, 0)
    done = subprocess.run(
        [sys.executable, "-c", _ASK],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    assert (int(done.stdout) > before) is (lower and before < 19)
