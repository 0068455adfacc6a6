"""Short answers: the few words of a sentence that a question asks for.

`answer` is the way in. Which sentences are read is decided elsewhere, and so is whether the answer
is good enough to be given.
"""
