"""docs/generations.md says what the table of routes says."""

from pathlib import Path

import huggingchat_agent
from huggingchat_agent.wire.means import Means
from tests.docs.generations import generations

PAGE = Path(__file__).parents[2] / "docs" / "generations.md"


def test_page_is_what_the_table_of_routes_says():
    assert PAGE.read_text() == generations(), "run: python -m tests.docs.generations > docs/generations.md"


def test_means_are_taken_in_the_modules_that_the_table_names():
    package = Path(huggingchat_agent.__file__).parent
    sources = {each: (package / f"{each.where}.py").read_text() for each in Means}
    assert [each.name for each, source in sources.items() if f"Means.{each.name}" not in source] == []
