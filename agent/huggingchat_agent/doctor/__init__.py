"""Checks this machine and the app, and reports what differs from what the agent knows."""
