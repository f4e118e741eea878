"""How many cells a text takes: Rich knows, and is asked where not each character takes one."""

from __future__ import annotations


def cell_len(text: str) -> int:
    """The cells that a text takes on a terminal."""
    if _is_narrow(text):
        return len(text)
    from rich import cells

    return cells.cell_len(text)


def set_cell_size(text: str, total: int) -> str:
    """The text cut or filled with spaces, so that it takes so many cells."""
    if _is_narrow(text):
        return text[: max(0, total)].ljust(total)
    from rich import cells

    return cells.set_cell_size(text, total)


def _is_narrow(text: str) -> bool:
    """Whether it holds nothing but ASCII and what lists put in place of what is missing or too long."""
    return text.isascii() or text.replace("–", "").replace("…", "").isascii()
