"""How many cells a text takes: Rich knows, and is asked where not each character takes one."""

from __future__ import annotations

_OURS = str.maketrans("", "", "–…·✓×“”’")


def cell_len(text: str) -> int:
    """The cells that a text takes on a terminal."""
    if is_narrow(text):
        return len(text)
    from rich import cells

    return cells.cell_len(text)


def set_cell_size(text: str, total: int) -> str:
    """The text cut or filled with spaces, so that it takes so many cells."""
    if is_narrow(text):
        return text[: max(0, total)].ljust(total)
    from rich import cells

    return cells.set_cell_size(text, total)


def is_narrow(text: str) -> bool:
    """Whether it holds nothing but ASCII and what we write ourselves, each of one cell."""
    return text.isascii() or text.translate(_OURS).isascii()
