"""Turns, built from what is seen on the wire."""
