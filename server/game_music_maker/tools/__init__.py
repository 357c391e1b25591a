"""The seven tools, without a protocol: the MCP server and the commands both call these."""
