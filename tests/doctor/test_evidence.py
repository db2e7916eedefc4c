"""What is saved for a bug report has names and types, and no value of the user's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.doctor.evidence import Evidence, check_folder
from huggingchat_agent.doctor.finding import Finding, Report
from huggingchat_agent.errors import StorageError, UsageError
from huggingchat_agent.events import Seen
from huggingchat_agent.exchange import Chunk, Ended, Responded, Started

SECRET = "my grandmother's recipe"
ID = "6b013cfcbcc939b7fa8356c2"


def exchange(chat, number, method, path, mime, *bodies):
    about: dict[str, Any] = {"exchange_id": str(number), "page": "1", "at": 0.0}
    url = f"{chat.settings.base_url}{path}?q=secret"
    responded = Responded(**about, status=200, mime=mime, headers={}, protocol="h2")
    started = Started(**about, method=method, url=url, headers={}, kind="fetch")
    everything: list[Any] = [
        started,
        responded,
        *(Chunk(**about, data=each) for each in bodies),
        Ended(**about),
    ]
    for event in everything:
        chat.emit(Seen(exchange=event))


def test_saved_folder_has_shapes_and_no_values(tmp_path):
    chat = HuggingChat(base_url="https://chat.example.org/chat", home=tmp_path)
    evidence = Evidence(chat)
    read = {
        "json": {
            "title": SECRET,
            "messages": [{"content": SECRET, "tokens": 3}, {"content": "x", "tokens": 1}],
        }
    }
    exchange(chat, 1, "GET", f"/api/v2/conversations/{ID}", "application/json", json.dumps(read).encode())
    lines = [
        {"type": "stream", "token": SECRET},
        {"type": "stream", "token": "b"},
        {"type": "thoughts", "text": SECRET},
    ]
    stream = b"".join(json.dumps(each).encode() + b"\n" for each in lines)
    exchange(chat, 2, "POST", f"/conversation/{ID}", "application/jsonl", stream[:20], stream[20:])
    exchange(chat, 3, "GET", "/_app/a.js", "text/javascript", b"secret()")
    exchange(chat, 4, "GET", "/", "text/html", SECRET.encode())
    report = Report(findings=[Finding(area="app", check="sign-in", text="signed in as ada")])
    evidence.write(tmp_path / "report", report, hide="ada")
    requests = (tmp_path / "report" / "requests.txt").read_text()
    assert requests == (
        "GET /api/v2/conversations/ID -> 200 application/json\n"
        "    {'json': {'title': 'str', 'messages': [{'content': 'str', 'tokens': 'int'}]}}\n"
        "POST /conversation/ID -> 200 application/jsonl\n"
        "    2 x {'type': 'stream', 'token': 'str'}\n"
        "    1 x {'type': 'thoughts', 'text': 'str'}\n"
        "GET / -> 200 text/html\n"
    )
    saved = json.loads((tmp_path / "report" / "report.json").read_text())
    assert saved["findings"][0]["text"] == "signed in as USER"
    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o700


def test_hostile_answers_are_described_in_bounds(tmp_path):
    chat = HuggingChat(base_url="https://chat.example.org/chat", home=tmp_path)
    evidence = Evidence(chat)
    deep = b"[" * 90 + b"]" * 90
    wide = json.dumps({f"{'n' * 200}{number}": 1 for number in range(500)}).encode()
    for number, body in enumerate((deep, wide, b"\xff\xfe", b"")):
        exchange(chat, number, "GET", "/api/v2/user", "application/json", body)
    evidence.write(tmp_path / "report", Report(findings=[]))
    assert (tmp_path / "report" / "requests.txt").stat().st_size < 10_000


def test_folder_that_exists_is_refused_before_the_walk(tmp_path):
    with pytest.raises(UsageError, match="exists already"):
        check_folder(tmp_path)
    chat = HuggingChat(base_url="https://chat.example.org/chat", home=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Evidence(chat).write(tmp_path / "file" / "report", Report(findings=[]))
