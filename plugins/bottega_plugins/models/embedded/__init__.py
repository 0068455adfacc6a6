"""The embedded model and decider: no key, no download, no graphics card, and nothing generated.

`offer` is all that is imported before somebody asks for either; `model` is the way in for the
model, `decider` for the decider.
"""
