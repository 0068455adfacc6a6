"""The dialects that come with the core: native tool calls, and ReAct in plain text."""
