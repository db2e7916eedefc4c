"""The chat and the site of `tests/e2e`, one of each for a module."""

from tests.e2e.conftest import chat, settings, shared_chat, shared_site, site

__all__ = ["chat", "settings", "shared_chat", "shared_site", "site"]
