"""Between chat and app: the browser of a profile and its sign-in, the tabs, and calls to the app."""
