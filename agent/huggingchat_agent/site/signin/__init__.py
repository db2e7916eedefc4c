"""Signs in on the pages: reads a page, recognizes it, and acts on it."""
