"""The tool that pages through results which were cut; what it does is `bottega.paging`.

An agent that names it is told of it from the first step; any other once something was cut.
"""

from __future__ import annotations

from bottega.paging import ReadArtifact

read_artifact = ReadArtifact()
