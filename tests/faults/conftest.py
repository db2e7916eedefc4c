"""A signed-in chat on the stand-in, as tests/e2e has it."""

from tests.e2e.conftest import chat, huggingchat_settings, settings, shared_chat, shared_site, site

__all__ = ["chat", "huggingchat_settings", "settings", "shared_chat", "shared_site", "site"]
