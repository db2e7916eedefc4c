"""The names of the controls on a conversation's page, over all builds that the agent knows. N is a number."""

from __future__ import annotations

from huggingchat_agent.site.gestures.parts import PARTS

KNOWN = frozenset(look.name for part in PARTS for look in part.looks) | {
    "Toggle sidebar navigation",
    "Toggle theme",
    "MCP Servers N",
    "MCP Servers",
    "MCP (N)",
    "Disable all MCP servers",
    "Share conversation",
    "Share this conversation",
    "Share",
    "Add attachment",
    "Upload file",
    "Upload file: No file chosen",
    "Start voice recording",
    "Copied",
    "Copy",
    "Copy to clipboard",
    "Download prompt and parameters",
    "Delete",
    "Rename",
    "Search",
    "Search chats",
    "Search web",
    "Continue",
    "Scroll to bottom",
    "Scroll to previous message",
    "Web Search",
}
