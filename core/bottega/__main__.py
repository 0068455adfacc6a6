"""`python -m bottega` is the command `bottega`."""

from bottega.cli.main import main

main()
