"""Models and embedders behind the OpenAI protocol: the official API and every server like it.

`offer` is what the plugin registers; `model` answers requests; `wire` writes them, `sse`, `chunks`
and `reply` read what comes back without doing any I/O; `client` and `sessions` move the bytes;
`embedder` and `vectors` do for embeddings what `model` and `reply` do for replies; `failures` and
`redaction` say what went wrong without telling secrets.
"""
