"""docs/generations.md says what the table of routes says."""

from pathlib import Path

import huggingchat_agent
from huggingchat_agent.wire.routes import MEANS
from tests.docs.generations import generations

PAGE = Path(__file__).parents[2] / "docs" / "generations.md"


def test_page_is_what_the_table_of_routes_says():
    assert PAGE.read_text() == generations(), "run: python -m tests.docs.generations > docs/generations.md"


def test_modules_of_the_means_exist():
    package = Path(huggingchat_agent.__file__).parent
    assert [each.where for each in MEANS if not (package / f"{each.where}.py").is_file()] == []
