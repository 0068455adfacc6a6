"""The command line: each command is one file and arrives through the `bottega_commands` hook."""
