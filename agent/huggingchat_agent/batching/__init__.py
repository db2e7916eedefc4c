"""Asks many prompts, several at a time. A journal lets a rerun resume."""
