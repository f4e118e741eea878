"""Every exception streamlab raises on purpose.

::

    StreamlabError                exit code
    ├── UsageError                2   the user asked for something that makes no sense
    ├── UnreadableInputError      2   a file is not what it claims to be
    │   └── NotFoundError         2   no such exchange, file or rule
    └── CouldNotRunError          3   port taken, disk full, upstream unreachable

An upstream's misbehaviour is never one of these: it is a Finding. These are for users' mistakes and for what the
machine refuses. The message is one line that says what happened and, where we know, how to fix it.
"""

from __future__ import annotations

from typing import ClassVar


class StreamlabError(Exception):
    """The root; ``exit_code`` is what the command line ends with."""

    exit_code: ClassVar[int] = 3


class UsageError(StreamlabError):
    """The call itself makes no sense: contradictory options, a malformed address."""

    exit_code = 2


class UnreadableInputError(StreamlabError):
    """An input exists and is not what it claims: truncated database, foreign JSON, newer schema."""

    exit_code = 2


class NotFoundError(UnreadableInputError):
    """Nothing answers to the given name: exchange id, path, rule."""


class CouldNotRunError(StreamlabError):
    """The machine refused: port taken, disk full, upstream unreachable."""

    exit_code = 3
