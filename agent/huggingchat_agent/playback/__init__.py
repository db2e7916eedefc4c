"""Plays tapes into chats and into browsers.

`player` plays it to handlers, `taped` answers a chat's calls, `server` and `stage` answer a real browser, and
`rerun` repeats the recorded steps there. `matcher` finds the exchange for a request, `faults` adds failures.
"""
