"""The sandbox `monty`: an interpreter of a subset of Python, written in Rust, without a system.

Code in it has no files, no network, no processes and no environment: there are no such calls. See
https://github.com/pydantic/monty. It runs in workers of its own, so that it can be killed, too.
"""
