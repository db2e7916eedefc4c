"""The browser of a profile and its sign-in, its tabs, and calls to the app."""
