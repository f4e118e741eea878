"""What recorders write in place of a value that was nobody's business, whichever recorder it was."""

from __future__ import annotations

import re
from typing import Any, Final

from streamlab.lazy_pattern import lazy_pattern

_PLACEHOLDER: Final = lazy_pattern(
    r"(?<![a-z])(?:redacted|masked|scrubbed|sanitized)(?![a-z])|\*{3}|^x{6,}$", re.IGNORECASE
)
#: One of which is in each of them.
_SIGNS: Final = ("redacted", "masked", "scrubbed", "sanitized", "***", "xxxxxx")


def is_placeholder(value: Any) -> bool:
    """Whether a value is one that a recorder made up: ``req_REDACTED_1``."""
    if type(value) is not str:
        return False
    if value.isascii():  # what is not may have one in other letters
        plain = value.lower()
        if not any(sign in plain for sign in _SIGNS):  # a fifth of a search
            return False
    return _PLACEHOLDER.search(value) is not None


def changed_by_recorder(before: Any, after: Any) -> bool:
    """Whether two values differ because a recorder replaced one of them: nobody knows what stood there."""
    return is_placeholder(before) is not is_placeholder(after)
