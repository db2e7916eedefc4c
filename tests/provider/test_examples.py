"""The examples of docs/provider.md, run as they stand there; that inside g4f is in test_g4f."""

from __future__ import annotations

import re
import sys

import pytest

from huggingchat_agent import provider
from huggingchat_agent.provider import HuggingChat
from tests.provider import document


@pytest.mark.browser
def test_examples_of_the_async_iterator_and_of_a_script_run(run, site, tmp_path):
    # One after the other in one process, as a program that does both would: one browser, one sign-in.
    before = site.control.logins
    program = f"{document.ITERATOR}\nprint('---')\n{document.SCRIPT}"
    home = str(tmp_path / "of a stranger")
    iterated, said = run(sys.executable, "-c", program, HUGGINGCHAT_HOME=home).split("---\n")
    assert re.fullmatch(r"You said: Why is the sky blue\? \[history=2 path=\w+\]\n\[stop\]\n", iterated)
    assert said.startswith("You said: Hello, world! [history=2 ")
    assert site.control.logins == before + 1


def test_document_names_everything():
    names = {*provider.__all__, *(name for name in vars(HuggingChat) if not name.startswith("_"))}
    assert {name for name in names if not re.search(rf"\b{name}\b", document.TEXT)} == set()
