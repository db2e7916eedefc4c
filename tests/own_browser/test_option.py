"""`--from-browser` on the command line: with a value, and alone."""

import pytest

from huggingchat_agent.cli.app import _Commands


@pytest.mark.parametrize(
    ("line", "parameter", "value"),
    [
        ("login --from-browser", "from_browser", "any"),
        ("login --from-browser --profile work", "from_browser", "any"),
        ("login --from-browser chrome -v", "from_browser", "chrome"),
        ("login --from-browser=brave:Work", "from_browser", "brave:Work"),
        ("login", "from_browser", None),
        ("ask -- --from-browser", "prompt", "--from-browser"),
        ("ask hello -m --from-browser", "model", "--from-browser"),
    ],
)
def test_option_may_stand_alone_and_only_where_it_is_one(line, parameter, value):
    name, *arguments = line.split()
    assert _Commands()[name].make_context(name, arguments).params[parameter] == value
