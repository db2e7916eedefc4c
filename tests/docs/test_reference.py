"""docs/api.md says what the package says."""

from pathlib import Path

import huggingchat_agent
from tests.docs.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_reference_is_what_the_docstrings_say():
    assert PAGE.read_text() == reference(), "run: python -m tests.docs.reference > docs/api.md"


def test_reference_names_everything():
    text = PAGE.read_text()
    assert [name for name in huggingchat_agent.__all__ if name not in text] == ["__version__"]
