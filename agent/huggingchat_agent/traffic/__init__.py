"""Brings exchanges from the browser, or from a tape, to their readers."""
