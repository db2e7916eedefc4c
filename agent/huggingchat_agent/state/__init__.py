"""The saved session: whose it is, who uses it, how it comes from other browsers."""
