"""Tapes: what a session saw and did, in one file. `docs/tape.md` describes it for other programs.

`format` has the records. `recorder` records a session, `mask` and `redaction` take out secrets, `writer`
appends. `reader` reads, with `checks`. `summary` puts a tape together; `timeline`, `har`, `report` show it.
"""
