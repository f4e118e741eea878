"""JSON-RPC, and MCP on top of it."""
