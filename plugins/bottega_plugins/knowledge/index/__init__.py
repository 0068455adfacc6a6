"""An index on disk: immutable segments of passages, and the manifest that names them.

    manifest.json        names the segments and the sha256 of their files; replaced at once
    manifest.copy.json   the same, from which documents are saved when that one is damaged
    segment-<id>/        passages, vectors, words and a catalogue of documents; never changed
    pending.sqlite       vectors of an update that has not come to its end
    seen.sqlite          what the files of a folder looked like when they were read
    suspect              is there when damage was seen, for the next update to look everywhere
    lock                 held by the one writing process

`store` is the way in. What is read from a file is compared with its digest before it is used.
Documents come in as passages (`documents`), and what answers a query best is for `search` to say.
"""
