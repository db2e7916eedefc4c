"""A person's gestures on the pages, as verbs of a Page: close a dialog, send a message, retry, edit."""
