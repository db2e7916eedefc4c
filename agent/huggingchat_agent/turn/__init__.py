"""Turns, built from the traffic: a message and its answer, with deadlines, stops and recovery."""
