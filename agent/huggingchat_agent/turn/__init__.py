"""Turns, built from the traffic."""
