"""Sends the first message of a conversation from the app's home page.

In builds before autumn 2025 the page of a conversation without messages takes none: there a person begins at
home.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingchat_agent.browser.protocols import Page

# Answers the page's next request for a new conversation with this one.
_HAND_OVER = """(path, id) => {
  const fetch = window.fetch;
  window.fetch = (target, init) => {
    const url = new URL(target?.url ?? target, location.href);
    const method = (init?.method ?? target?.method ?? "GET").toUpperCase();
    if (method !== "POST" || url.pathname !== path) return fetch(target, init);
    window.fetch = fetch;
    const headers = { "content-type": "application/json" };
    return Promise.resolve(new Response(JSON.stringify({ conversationId: id }), { headers }));
  };
}"""


async def hand_over(page: Page, path: str, conversation_id: str, *, timeout: float) -> None:
    """Have the home page send into this conversation, which the agent has made for its caller. The page would
    make another one by a request to `path`; it gets this one as the answer.
    """
    await page.evaluate(_HAND_OVER, path, conversation_id, timeout=timeout)
