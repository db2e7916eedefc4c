"""The links in README and docs lead somewhere."""

import re

import pytest

from tests.docs.blocks import PAGES, ROOT

PACKAGE = ROOT / "agent" / "huggingchat_agent"
DOCUMENTS = [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "scripts/README.md"))]


def list_headings(path):
    """The anchors of a page, as GitHub makes them."""
    lines = re.findall(r"^#+ (.*)", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    prose = re.sub(r"`[^`\n]+`", "", path.read_text())  # code shows brackets, too
    for link in re.findall(r"\]\(([^)]+)\)", prose):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in list_headings(target), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(path):
    named = re.findall(r"`([\w./]+/[\w.]+\.py)`", path.read_text())
    assert [name for name in named if not ((PACKAGE / name).exists() or (ROOT / name).exists())] == []


def test_every_script_is_described():
    folder = ROOT / "scripts"
    rows = re.findall(r"^\| `([\w-]+)` \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert set(rows) == {each.name for each in folder.iterdir()} - {"README.md"}
