"""Tapes: a session's traffic and events in one file. `docs/tape.md` describes it for other programs.

`format` has the records. `recorder` records a session, `record_maker` makes its records, `mask` and
`redaction` take out secrets, `writer` appends. `reader` reads, with `checks`. `summary` collects the parts;
`timeline`, `har`, `report` show it.
"""
