"""What `huggingchat mcp` refuses, without a browser. Its client is in test_clients.py."""

import base64

import pytest

from huggingchat_agent.errors import UsageError
from huggingchat_agent.mcp_server.uploads import LARGEST, MOST, Uploads
from huggingchat_agent.warm.sessions import Sessions
from tests.cli.shell import Shell


def test_file_is_kept_until_a_message_takes_it(tmp_path):
    (tmp_path / "notes.md").write_text("hi")
    uploads = Uploads((tmp_path,))
    ids = [
        uploads.add("a.txt", "hello", None, None),
        uploads.add("a.png", None, base64.b64encode(b"\x89PNG").decode(), None),
        uploads.add("", None, None, str(tmp_path / "notes.md")),
    ]
    taken = [(each.name, each.mime, each.data) for each in uploads.take(ids)]
    assert taken[:2] == [("a.txt", "text/plain", b"hello"), ("a.png", "image/png", b"\x89PNG")]
    assert (taken[2][0], taken[2][2]) == ("notes.md", b"hi")
    with pytest.raises(UsageError, match="no file"):
        uploads.take(ids)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"path": "/etc/passwd"}, "--folder"),
        ({"path": "inside/../../secret"}, "--folder"),
        ({"path": "inside/link"}, "--folder"),
        ({"path": "inside/none"}, "Cannot read"),
        ({"path": "inside"}, "Cannot read"),
        ({"data": "%%"}, "base64"),
        ({"text": "x" * (LARGEST + 1)}, "10 MiB"),
        ({"text": "a", "data": "YQ=="}, "one of them"),
        ({}, "one of them"),
    ],
)
def test_file_that_nobody_allowed_is_refused(tmp_path, given, part, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "inside" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match=part):
        Uploads((tmp_path / "inside",)).add("a.txt", *(given.get(each) for each in ("text", "data", "path")))


def test_waiting_files_are_bounded():
    uploads = Uploads()
    for _ in range(MOST):
        uploads.add("a.txt", "", None, None)
    with pytest.raises(UsageError, match="wait already"):
        uploads.add("a.txt", "", None, None)


def test_it_works_in_a_warm_session_alone(tmp_path):
    with pytest.raises(UsageError, match="warm session, which cannot be used with --headed"):
        Sessions({"home": tmp_path, "headless": False})


def test_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = Shell("http://127.0.0.1:9/chat", tmp_path / "state").here("mcp")
    assert done.code == 2 and "pip install 'huggingchat-agent[mcp]'" in done.err
