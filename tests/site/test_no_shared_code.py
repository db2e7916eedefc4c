"""The stand-in and the agent know nothing of each other: neither could hide a mistake of the other."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def list_imports(folder):
    """The modules that the files of a folder import, each with the file that does."""
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path.name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield path.name, node.module or ""


def test_stand_in_imports_nothing_of_the_agent():
    found = list(list_imports("fixtures/site"))
    assert ("listener.py", "hypercorn.config") in found
    assert [each for each in found if each[1].startswith("huggingchat_agent")] == []


def test_agent_imports_nothing_of_the_stand_in():
    found = list(list_imports("agent/huggingchat_agent"))
    assert len(found) > 100
    assert [each for each in found if each[1].split(".")[0] in ("fixtures", "tests")] == []
