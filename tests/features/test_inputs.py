"""The name of a file that the app fetched, and what comes back without the app. No browser."""

import pytest

from huggingchat_agent.chat import uploads
from huggingchat_agent.chat.inputs import _find_name
from huggingchat_agent.errors import FileRejected
from huggingchat_agent.wire import purposes, requests, routes


@pytest.mark.parametrize(
    ("url", "disposition", "name"),
    [
        ("https://x.test/a/b%20c.md?q=1#f", "", "b c.md"),
        ("https://x.test/", "", "attachment"),
        ("https://x.test/a", 'attachment; filename="b.txt"', "b.txt"),
        ("https://x.test/a", "attachment; filename=b.txt; size=3", "b.txt"),
        ("https://x.test/a", "attachment; filename*=UTF-8''%C3%A9.txt; filename=e.txt", "é.txt"),
        ("https://x.test/a", 'attachment; filename="../../etc/passwd"', "passwd"),
        ("https://x.test/..%2F..%2Fpasswd", "", "passwd"),
        ("https://x.test/a", "attachment; filename=", "attachment"),
    ],
)
def test_name_of_a_fetched_file_is_that_of_the_app_without_a_folder(url, disposition, name):
    assert _find_name(url, {"content-disposition": disposition}) == name


def test_address_goes_to_the_app_as_one_value():
    request = requests.build(purposes.FetchUrl("https://x.test/a?b=1&c=2#d"))
    assert request.path == "/api/fetch-url?url=https%3A//x.test/a%3Fb%3D1%26c%3D2%23d"
    asked = routes.classify("GET", f"https://h.test/chat{request.path}", "/chat")
    assert asked == purposes.FetchUrl("https://x.test/a?b=1&c=2#d")


def test_limit_of_a_recording_is_its_own():
    data = b"x" * (uploads.LIMIT + 1)
    with pytest.raises(FileRejected, match=r"10,485,760 bytes \(10 MiB\)"):
        uploads.read([("a.wav", data)])
    assert uploads.read([("a.wav", data)], 2 * uploads.LIMIT)[0].data == data
