"""The saved session: its profile, its lock, and its import from other browsers."""
