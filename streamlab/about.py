"""Where streamlab comes from: the one place in which code says so. A test holds pyproject.toml and the docs to it."""

from __future__ import annotations

#: What the package index calls it: `streamlab` is a stranger's there. Command and import are called streamlab.
DISTRIBUTION = "streamlab-sse"
REPOSITORY = "https://github.com/streamlab-sse/streamlab"


def page(path: str) -> str:
    """The address of a page of the documentation, such as ``docs/checking.md``."""
    return f"{REPOSITORY}/blob/main/{path}"


def requirement(extra: str = "") -> str:
    """What to ask pip for, with an extra or without, until the package index has it: from the repository."""
    return f"{DISTRIBUTION}{f'[{extra}]' if extra else ''} @ git+{REPOSITORY}"
