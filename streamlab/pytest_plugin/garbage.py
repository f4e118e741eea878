"""How often objects are looked through for garbage while fixtures are tested, which make next to none."""

from __future__ import annotations

import atexit
import gc

import pytest

#: New objects between two looks while our tests run: what those leave in circles is freed with the next one.
_OBJECTS = 50_000


class Garbage:
    """What was collected stays until the end, so nobody need look at it again and again.

    Behind the run all is as before, and so it is, but for what was collected, while somebody else's tests run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._before: tuple[int, int, int] | None = None
        config.add_cleanup(
            self._all_as_before
        )  # done after pytest's own last look for garbage, since asked for earlier

    def collected(self, only_ours: bool) -> None:
        """Tests were collected, some of which are ours, or all."""
        gc.freeze()
        self._config.add_cleanup(gc.freeze if only_ours else gc.unfreeze)  # done before pytest's last look
        if only_ours and hasattr(self._config, "workerinput"):
            atexit.register(gc.freeze)  # a process of pytest-xdist ends with the run: nobody need look then, either

    def tests_ours(self, is_ours: bool) -> None:
        """A test of ours begins, or one of somebody else."""
        if is_ours and self._before is None:
            self._before = gc.get_threshold()
            gc.set_threshold(max(_OBJECTS, self._before[0]), *self._before[1:])
        elif self._before is not None and not is_ours:
            gc.set_threshold(*self._before)
            self._before = None

    def _all_as_before(self) -> None:
        self.tests_ours(False)
        gc.unfreeze()
