"""Tapes: what a session saw and said, in one file. `docs/tape.md` describes it for everybody else.

`format` has the records, `mask` and `redaction` take out what is secret, `writer` appends, `reader`
reads. `timeline`, `har` and `report` show a tape; `matcher` and `serve` answer a browser from one.
"""
