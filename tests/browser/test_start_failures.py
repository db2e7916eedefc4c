"""Why a browser did not start: known from its last words, with the advice for each door."""

import pytest

from huggingchat_agent.browser import start_failures


@pytest.mark.parametrize(
    ("written", "in_python", "in_a_shell"),
    [
        ("Missing X server or $DISPLAY", "headless=False", "--headed"),
        ("Opening in existing browser session.", 'connect="http://', "--connect http://"),
    ],
)
def test_advice_names_the_setting_of_each_door(written, in_python, in_a_shell):
    error = start_failures.make_start_error("/usr/bin/chromium", ["[0101] ERROR", written])
    assert in_python in str(error) and in_a_shell not in str(error)
    assert in_a_shell in error.for_shell() and in_python not in error.for_shell()


def test_unknown_words_are_quoted():
    assert start_failures.explain_output("Trace/breakpoint trap") is None
    assert "Trace/breakpoint trap" in str(start_failures.make_start_error("/x", ["Trace/breakpoint trap"]))
