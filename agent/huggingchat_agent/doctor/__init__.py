"""Checks this machine and the app, and says what differs from what the agent knows."""
