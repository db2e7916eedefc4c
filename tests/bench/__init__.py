"""Timings, never asserted in a test; see `__main__`."""
