"""A read-only MCP server over stdio: what `streamlab` knows of a database, for whatever speaks the protocol.

It uses the official SDK (the extra ``mcp``). It has tools that look, and none that does anything; a tool is only ever
run because the client called it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlab import __version__
from streamlab.about import requirement
from streamlab.errors import StreamlabError, UsageError
from streamlab.sharing.wanted import Masking
from streamlab.workflows.answers import DATA_NOTE, Answers

_INSTRUCTIONS = f"""streamlab records what OpenAI-compatible servers stream and says where it departs from what
OpenAI or Anthropic send. Exchanges are named by number, or last. {DATA_NOTE} Known secrets are masked with x."""


def make_server(path: Path, masking: Masking) -> Any:
    """The server for a database. Raises UsageError where the extra is not installed."""
    try:
        from mcp.server import MCPServer
        from mcp.types import ToolAnnotations
    except ImportError:
        raise UsageError(f"streamlab mcp needs the extra: pip install '{requirement('mcp')}'") from None
    answers = Answers(path, masking)
    server = MCPServer("streamlab", instructions=_INSTRUCTIONS, version=__version__, log_level="ERROR")
    looks = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

    def list_exchanges(newest: int = 20) -> str:
        """List the newest recorded exchanges (at most 100)."""
        return _asked(answers.list_exchanges, newest)

    def show(exchange: str = "last") -> str:
        """Show one exchange in full: request, timeline, findings, what a client would hold at the end."""
        return _asked(answers.show_exchange, exchange)

    def check(exchange: str = "last") -> str:
        """Say where an exchange departs from what OpenAI or Anthropic send, who breaks on it, how it is repaired."""
        return _asked(answers.check_exchange, exchange)

    def compare(inner: str, outer: str) -> str:
        """Say what happened between two exchanges: the one nearer to the model, and the one nearer to the client."""
        return _asked(answers.compare_exchanges, inner, outer)

    def rule(name: str) -> str:
        """Explain a rule by its name, as check gives it."""
        return _asked(answers.explain_rule, name)

    def search(text: str) -> str:
        """Find the exchanges that hold a text."""
        return _asked(answers.search, text)

    for function in (list_exchanges, show, check, compare, rule, search):
        server.tool(annotations=looks, structured_output=False)(function)
    return server


def _asked(question: Callable[..., str], *arguments: Any) -> str:
    try:
        return question(*arguments)
    except StreamlabError as error:
        return f"error: {error}"


def serve(path: Path, masking: Masking) -> None:
    """Answer on standard input and output until that ends."""
    make_server(path, masking).run("stdio")
