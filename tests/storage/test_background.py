"""Standing back behind others, and not under test."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from streamlab.storage import background

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
    assert int(done.stdout) == (max(before, background.NICENESS) if lower else before)


def test_a_process_that_others_go_before_already_goes_no_further_ahead():
    ask = f"import os; os.nice(19); {_ASK}"
    environment = {name: value for name, value in os.environ.items() if name != "STREAMLAB_STAND_BACK"}
    command = [sys.executable, "-c", ask]
    assert (
        subprocess.run(command, env=environment, capture_output=True, check=True, start_new_session=True).stdout
        == b"19\n"
    )


def test_one_that_is_fed_and_does_not_get_on_stands_back_no_more_until_it_has():
    """Positions at each look, four a second, and what its session's share is set to; ten is standing back."""
    set_to = []
    policy = background.SharePolicy(set_to.append)
    looks = [
        *[(fed, 0, []) for fed in (0, 10, 20, 30, 40)],  # nothing was waiting a second ago
        (50, 5, [0]),  # of what was, ten bytes, some are not done
        *[(60, 5, [])] * 3,
        (60, 15, [0]),  # once a second
        (60, 60, [10]),
        (60, 60, []),
        (60 + 9 * 2**20, 61, [0]),  # or very much at once
        (60 + 9 * 2**20, 60 + 2**20, []),
        (60 + 10 * 2**20, 60 + 9 * 2**20 + 1, [10]),
    ]
    for at, (fed, done, expected) in enumerate(looks):
        policy.look(1, fed, done)
        assert (at, set_to) == (at, expected)
        set_to.clear()


def test_a_session_may_go_on_standing_back_between_two_calls(monkeypatch):
    set_to = []
    monkeypatch.setattr(background, "_share_of_session", lambda niceness: set_to.append(niceness) or True)
    thread = background.BackgroundThread(lasting=True)
    for call in (None, None, thread.hurry, thread.hurry, None, None):
        thread.run(lambda: None) if call is None else call()
    assert set_to == [10, 0, 10]


def test_what_a_call_raises_comes_out():
    def fail():
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        background.BackgroundThread().run(fail)
