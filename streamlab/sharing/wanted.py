"""What is to be taken out of an exchange that is shown: said by commands before anything is masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlab.record import Record

if TYPE_CHECKING:
    import re

#: By what stands beside texts it is told which continue each other: by numbers and names, by numbers, by nothing.
CLOSEST_FIRST = (2, 1, 0)


class Masking(Record, frozen=True):
    """What is taken out: known secrets and what matches ``patterns``; with ``text`` what people and models said too."""

    patterns: tuple[re.Pattern[str], ...] = ()
    text: bool = False
    #: With ``text``: names that stay, and by what it is told which texts continue each other.
    names: frozenset[str] = frozenset()
    told: tuple[int, ...] = CLOSEST_FIRST


#: Known secrets, and nothing else.
ALL_KNOWN = Masking()
