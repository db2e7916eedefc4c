"""The command `serve`: what it says, and how it ends."""

import asyncio
import json
import signal

import httpx
import pytest

from tests.cli.shell import Shell
from tests.serve.conftest import read_stream


@pytest.fixture
def shell(tmp_path):
    return Shell("http://127.0.0.1:9/chat", tmp_path / "state")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--host", "0.0.0.0"], "--expose"),
        (["--rate-limit", "often"], "20/min"),
        (["--rate-limit", "0/min"], "20/min"),
        (["--rate-limit", "5/hour"], "20/min"),
    ],
)
def test_wrong_usage_is_refused_before_a_browser_starts(shell, arguments, part):
    done = shell.here("serve", *arguments)
    assert done.code == 2 and part in done.err


def test_missing_extra_is_named(shell, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = shell.here("serve")
    assert done.code == 2 and "pip install 'huggingchat-agent[server]'" in done.err


@pytest.mark.browser
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_finishes_the_answers_and_a_second_one_ends(site, borrowed, tmp_path, times):
    shell = Shell(site.url, tmp_path / "state")
    shell.more = borrowed | {"HUGGINGCHAT_USERNAME": site.username, "HUGGINGCHAT_PASSWORD": site.password}
    with shell.start("serve", "--port", "0", "--json") as process:
        assert process.stdout is not None
        opened = json.loads(process.stdout.readline())
        text = asyncio.run(_ask_while_it_ends(process, opened, site, times))
        out, err = process.communicate(timeout=30)
    assert not out
    if times == 1:
        assert b"Ctrl-C again ends now" in err
        assert process.returncode == 0 and text.endswith("[DONE]\n\n")
    else:
        assert process.returncode == 130 and "stopped" in read_stream(text)[-1]["error"]["message"]
    assert not site.control.running
    assert shell.processes() == []
    assert opened["key"].encode() not in (tmp_path / "state/profiles/default/serve.key").read_bytes()


@pytest.mark.browser
@pytest.mark.soak
def test_conversations_go_on_after_a_kill(site, borrowed, tmp_path):
    shell = Shell(site.url, tmp_path / "state")
    shell.more = borrowed | {"HUGGINGCHAT_USERNAME": site.username, "HUGGINGCHAT_PASSWORD": site.password}
    messages, key = [], None
    for text in ("killed one", "killed two", "killed three"):
        with shell.start("serve", "--port", "0", "--json") as process:
            assert process.stdout is not None
            opened = json.loads(process.stdout.readline())
            key = key or opened["key"]
            messages.append({"role": "user", "content": text})
            body = {"model": "llama", "messages": messages}
            answer = httpx.post(
                f"{opened['url']}/chat/completions",
                json=body,
                headers={"authorization": f"Bearer {key}"},
                timeout=30,
                trust_env=False,
            )
            messages.append(answer.json()["choices"][0]["message"])
            process.kill()
            process.communicate(timeout=30)
    found = [each for each in site.control.conversations() if "killed one" in str(each)]
    said = [[each["content"] for each in one["messages"] if each["from"] == "user"] for one in found]
    assert said == [["killed one", "killed two", "killed three"]]


async def _ask_while_it_ends(process, opened, site, times):
    prompt = "count 100 every 10" if times == 1 else "count 4000 every 20"
    body = {"model": "llama", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    text = ""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        headers = {"authorization": f"Bearer {opened['key']}"}
        asked = client.stream("POST", f"{opened['url']}/chat/completions", json=body, headers=headers)
        async with asked as answer:
            async for line in answer.aiter_text():
                if not text:
                    process.send_signal(signal.SIGINT)
                    if times == 2:
                        assert b"again" in await asyncio.to_thread(_read_until_asked, process)
                        process.send_signal(signal.SIGINT)
                text += line
    return text


def _read_until_asked(process):
    seen = b""
    while b"again ends now" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    return seen
