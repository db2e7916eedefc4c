"""The pages that a search tool names, in every form that it may use."""

import json

import pytest

from huggingchat_agent.wire.tool_results import find_linked_pages, find_listed_pages

PAGES = [{"url": "https://one.example/?q=1", "title": "One"}, {"url": "https://two.example", "title": "Two"}]


def text(said):
    return [{"text": said, "content": [{"type": "text", "text": said}]}]


@pytest.mark.parametrize(
    "outputs",
    [
        [{"structured": {"results": PAGES}, "content": []}],
        text(json.dumps({"id": "x", "results": [{**each, "text": "it is so"} for each in PAGES]})),
        text(json.dumps([{"title": each["title"], "link": each["url"]} for each in PAGES])),
        text("\n\n".join(f"Title: {each['title']}\nURL: {each['url']}\nText: title: no" for each in PAGES)),
        text("".join(f"title: {each['title']}\nAuthor: a\nurl: {each['url']}\n" for each in PAGES)),
    ],
    ids=["structured", "json", "list", "lines", "lines-between"],
)
def test_pages_are_found_in_every_form(outputs):
    assert list(find_listed_pages(outputs)) == PAGES
    assert list(find_linked_pages(outputs)) == []


def test_page_without_a_title_is_found_by_its_address():
    assert list(find_listed_pages(text("Nothing but\nURL: https://one.example"))) == [
        {"url": "https://one.example", "title": ""}
    ]


def test_links_of_the_protocol_are_pages_if_they_lead_to_the_web():
    block = {"type": "resource_link", "uri": "https://one.example", "name": "one"}
    titled = {"type": "resource_link", "uri": "https://two.example", "name": "two", "title": "Two"}
    local = {"type": "resource_link", "uri": "file:///etc/hosts", "name": "hosts"}
    assert list(find_linked_pages([{"content": [block, titled, local]}])) == [
        {"url": "https://one.example", "title": "one"},
        {"url": "https://two.example", "title": "Two"},
    ]


@pytest.mark.parametrize(
    "outputs",
    [
        *(["said"], [{}], [{"content": None}], [{"content": ["said"]}], [{"content": [{"type": "text"}]}]),
        *([{"structured": 3}], text("URL: ftp://one.example"), text("see https://one.example"), text("3")),
        text(json.dumps({"title": 3, "url": "https://one.example"})),
    ],
)
def test_what_is_no_page_is_passed_over(outputs):
    assert list(find_listed_pages(outputs)) == []
