"""OpenAPI documents as tools: one for each operation.

`source` finds and reads the document, `document` follows its references, `operation` says what an
operation takes, `writing` makes a request of a call, `credentials` adds the keys, `toolset` puts it
together. Versions 3.0 and 3.1: https://spec.openapis.org/oas/.
"""
