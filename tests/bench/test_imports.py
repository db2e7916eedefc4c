"""A command that starts no browser loads nothing that drives one."""

import pytest

from tests.bench.imports import COMMANDS, measure

MOST = 800  # modules


@pytest.mark.parametrize("command", COMMANDS)
def test_command_without_a_browser_loads_no_browser_library(command):
    loaded = measure(command)
    assert loaded.libraries() == set()
    assert len(loaded.modules) <= MOST
