"""Information flow: which calls may have effects, by where their arguments came from."""
