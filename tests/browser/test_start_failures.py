"""Why a browser did not start: recognized from its output, with advice for Python and for the shell."""

import sys

import pytest

from huggingchat_agent.browser import start_failures
from huggingchat_agent.errors import BrowserError
from huggingchat_agent.settings import make_settings


@pytest.mark.parametrize(
    ("written", "in_python", "in_a_shell"),
    [
        ("Missing X server or $DISPLAY", "headless=False", "--headed"),
        ("requires a non-default data directory", 'from_browser="chrome"', "--from-browser chrome"),
        ("Opening in existing browser session.", 'connect="http://', "--connect http://"),
    ],
)
def test_advice_names_the_setting_of_each_door(written, in_python, in_a_shell):
    error = start_failures.make_start_error("/usr/bin/chromium", ["[0101] ERROR", written])
    assert in_python in str(error) and in_a_shell not in str(error)
    assert in_a_shell in error.for_shell() and in_python not in error.for_shell()


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_default_folder_of_chrome_is_refused_and_that_of_chromium_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("google-chrome-beta", "chromium"):
        (tmp_path / name).mkdir()
    with pytest.raises(BrowserError, match="google-chrome-beta cannot be used"):
        start_failures.check_settings(make_settings(user_data_dir=tmp_path / "google-chrome-beta"))
    start_failures.check_settings(make_settings(user_data_dir=tmp_path / "chromium"))


def test_unknown_words_are_quoted():
    assert start_failures.explain_output("Trace/breakpoint trap") is None
    assert "Trace/breakpoint trap" in str(start_failures.make_start_error("/x", ["Trace/breakpoint trap"]))
