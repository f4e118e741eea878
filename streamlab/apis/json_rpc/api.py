"""JSON-RPC and the Model Context Protocol on top of it, as the rest of the house may know them."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class JsonRpc(Api):
    """MCP, and whatever else speaks JSON-RPC 2.0."""

    name = "mcp"
    title = "MCP or other JSON-RPC"
    vendor = "MCP"
    path_ends = ("/mcp",)

    def recognises(self, value: JsonObject) -> bool:
        return value.get("jsonrpc") == "2.0"


API = JsonRpc()
