"""Tools of MCP servers: started or reached, approved once, and held to what was approved."""
