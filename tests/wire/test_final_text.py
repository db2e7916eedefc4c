import pytest

from huggingchat_agent.wire.final_text import merge_final

NO_TOOLS = {"tools": False, "interrupted": False}
TOOLS = {"tools": True, "interrupted": False}
STOPPED = {"tools": False, "interrupted": True}


@pytest.mark.parametrize(
    ("streamed", "final", "how", "content"),
    [
        ("", "answer", NO_TOOLS, "answer"),
        ("an", "answer", NO_TOOLS, "answer"),
        ("answer \n", "answer", NO_TOOLS, "answer"),
        ("other", "answer", NO_TOOLS, "answer"),
        ("so far", None, NO_TOOLS, "so far"),
        ("", "answer", TOOLS, "answer"),
        ("Let me check. You said: ping", "You said: ping", TOOLS, "Let me check. You said: ping"),
        ("Let me check. Ping \n", "\nPing", TOOLS, "Let me check. Ping \n"),
        ("Let me check. Ping ", "Ping ", TOOLS, "Let me check. Ping "),
        ("Let me", "Let me check.", TOOLS, "Let me check."),
        ("Let me check.", "Ping", TOOLS, "Let me check.\n\nPing"),
        ("Let me check.\n\n", "Ping", TOOLS, "Let me check.\n\nPing"),
        ("Let me check.", "\nPing", TOOLS, "Let me check.\nPing"),
        ("so far", None, TOOLS, "so far"),
        ("", "cut", STOPPED, "cut"),
        ("cut short", "cut", STOPPED, "cut"),
        ("cut short", "elsewhere", STOPPED, "cut short"),
        ("cut", "cut short", STOPPED, "cut short"),
        ("cut short", "", STOPPED, ""),
    ],
)
def test_merged_follows_the_app(streamed, final, how, content):
    assert merge_final(streamed, final, **how) == content
