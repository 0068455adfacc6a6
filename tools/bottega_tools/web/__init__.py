"""The tools of the web, and the one guarded way on which all of them go there."""
