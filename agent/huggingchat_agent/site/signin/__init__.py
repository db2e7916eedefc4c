"""Signing in by the pages: what is seen of a page, which page that is, and what to do on it."""
