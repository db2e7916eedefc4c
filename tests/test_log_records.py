"""What handlers of the program's own logging get."""

import ast
import io
import logging

import pytest

from huggingchat_agent.errors import SiteError
from huggingchat_agent.log_records import log
from huggingchat_agent.redact import Secret
from tests.test_layers import MODULES

EVIL = "\x1b]52;c;ZXZpbA==\x07 evil \x9b31m \u202egnp.exe"
SAFE = "]52;c;ZXZpbA== evil 31m <U+202E>gnp.exe"


@pytest.fixture
def stream():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    yield stream
    log.removeHandler(handler)


@pytest.mark.parametrize("value", [EVIL, ValueError(EVIL), SiteError(EVIL)], ids=["text", "error", "ours"])
def test_text_from_elsewhere_controls_no_terminal(stream, value):
    log.warning("It is called %s, %d times.", value, 2)
    assert stream.getvalue() == f"It is called {SAFE}, 2 times.\n"


def test_named_arguments_are_safe_too(stream):
    log.warning("It is called %(name)s.", {"name": EVIL})
    assert stream.getvalue() == f"It is called {SAFE}.\n"


def test_traceback_controls_no_terminal(stream):
    try:
        raise ValueError(EVIL)
    except ValueError:
        log.exception("It failed.")
    assert stream.getvalue().endswith(f"ValueError: {SAFE}\n")
    assert "Traceback" in stream.getvalue()


def test_secrets_are_masked(stream):
    log.warning("It failed: %s", ValueError(f"no {Secret('correct horse').reveal()}"))
    assert stream.getvalue() == "It failed: no [redacted]\n"


def test_every_module_logs_through_the_safe_logger():
    loggers = {
        path.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "getLogger"
    }
    assert loggers == {"log_records.py"}
