"""The dialects that come with the core: native tool calls, ReAct in plain text, and code."""
