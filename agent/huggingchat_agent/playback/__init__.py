"""A tape through the same pipeline, or in a real browser."""
