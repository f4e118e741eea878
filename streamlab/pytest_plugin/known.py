"""Who listens to a hook: what may be done in a shorter way depends on nobody else's watching it."""

from __future__ import annotations

from typing import Any

import pytest

_OURS = __name__.rpartition(".")[0]
#: What these do about a fixture that passes is known: nothing, but for telling that it did. A worker of pytest-xdist
#: calls its own module `__channelexec__`.
_KNOWN = ("_pytest.", "xdist.", "__channelexec__.", "_hypothesis_pytestplugin.", f"{_OURS}.")
#: What a conftest.py lists files in that are not to be collected.
_IGNORING = "collect_ignore", "collect_ignore_glob"


class Listeners:
    """Who listens to the hooks of a run. More may come, such as the conftest.py of a folder."""

    def __init__(self, config: pytest.Config) -> None:
        self._hooks = config.pluginmanager.hook  # `config.hook` gives pytest 8.0 functions where a path is told
        self._asked: dict[tuple[str, ...], bool] = {}
        self._plugins = config.pluginmanager
        self._conftests: list[Any] | None = None

    def pytest_plugin_registered(self) -> None:
        """Another plugin: what was found out about a hook may not hold any longer."""
        self._asked.clear()
        self._conftests = None

    def are_known(self, *names: str) -> bool:
        """Whether nobody but pytest, xdist and the like listens to these hooks."""
        if names not in self._asked:
            modules = [one.function.__module__ for name in names for one in getattr(self._hooks, name).get_hookimpls()]
            self._asked[names] = all(f"{one}.".startswith(_KNOWN) for one in modules)
        return self._asked[names]

    def may_ignore(self, config: pytest.Config) -> bool:
        """Whether anybody may want a file not to be collected: an option, a conftest.py, or a plugin unknown here."""
        if config.getoption("ignore", None) or config.getoption("ignore_glob", None):
            return True
        if self._conftests is None:
            found = self._plugins.get_plugins()
            self._conftests = [one for one in found if str(getattr(one, "__file__", "")).endswith("conftest.py")]
        listed = any(hasattr(one, name) for one in self._conftests for name in _IGNORING)
        return listed or not self.are_known("pytest_ignore_collect")
