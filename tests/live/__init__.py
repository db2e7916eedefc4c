"""Checks against a real chat-ui; see `__main__`."""
