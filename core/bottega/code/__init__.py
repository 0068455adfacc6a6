"""Code as action: what a model's Python is run with, step after step.

`python` is the tool, `session` a conversation's code at work, `record` what is known of its steps,
`functions` how tools look from Python, `observation` how a step is told, `source` how code is read.
The sandboxes are behind `bottega.sandbox`, the prompt and the reader in `bottega.dialects.code`.
"""
