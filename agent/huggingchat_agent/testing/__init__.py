"""Assertions about answers, for tests. The fixtures are in `huggingchat_agent.pytest_plugin`.

from huggingchat_agent.testing import assert_first_token_within, assert_says, assert_streamed
"""

from huggingchat_agent.testing.assertions import (
    assert_first_token_within,
    assert_says,
    assert_similar,
    assert_streamed,
    normal,
)

__all__ = ["assert_first_token_within", "assert_says", "assert_similar", "assert_streamed", "normal"]
