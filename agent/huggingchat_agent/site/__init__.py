"""The site: how its pages are handled (`gestures`) and how its routes are called in-page (`calls`)."""
