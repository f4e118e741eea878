"""Regular expressions that are compiled when they are first used.

Compiling those of a module takes as long as loading the module, and most runs of a command need few of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr


class _Compiled:
    """A pattern that was compiled: every attribute of it lies here, so that looking one up takes no detour."""


class _LazyPattern:
    """Stands for a compiled pattern; after the first use its attributes are those of the pattern itself."""

    def __init__(self, pattern: Any, flags: int = 0) -> None:
        self._source = pattern, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        compiled = re.compile(*self._source)
        vars(self).update((one, getattr(compiled, one)) for one in dir(compiled) if not one.startswith("__"))
        self.__class__ = _Compiled  # type: ignore[assignment]
        return getattr(compiled, name)


if TYPE_CHECKING:

    def lazy_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
        """What ``re.compile`` gives, but for the time at which it is compiled and a fault in it is raised."""

else:
    lazy_pattern = _LazyPattern
