"""A tape as an endpoint, without a browser: by the command, and as a fixture of pytest."""

import json
import time
from pathlib import Path

import httpx
import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import UsageError
from huggingchat_agent.playback.faults import cut, stall, status
from huggingchat_agent.serve.recorded import RecordedChat
from tests.cli.shell import Shell
from tests.serve.conftest import open_door, read_stream

TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"
HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello there"}]


def text_of(body):
    return "".join(
        each["choices"][0]["delta"].get("content", "") for each in read_stream(body) if "choices" in each
    )


async def test_tape_answers_and_leaves_no_file_but_the_key(tmp_path):
    async with HuggingChat(replay=TAPE, home=tmp_path) as chat:
        await chat.login()
        async with open_door(chat, None) as door:
            model = (await door.client.get("/v1/models")).json()["data"][0]["id"]
            answer = await door.ask(HELLO, model=model, stream=True)
            assert text_of(answer.text).startswith("You said: hello there")
            assert answer.text.endswith("[DONE]\n\n")
            refused = await door.ask("not on the tape", model=model)
            assert refused.status_code == 502
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["serve.key"]


@pytest.mark.parametrize("speed", [-1, float("nan")])
def test_wrong_speed_is_refused(speed, tmp_path):
    with pytest.raises(UsageError, match="speed of a replay"):
        RecordedChat(replay=TAPE, home=tmp_path, speed=speed)


@pytest.mark.parametrize("arguments", [["--speed", "2"], ["--cut", "5"], ["--status", "429"]])
def test_speed_and_faults_take_a_tape(tmp_path, arguments):
    done = Shell("http://127.0.0.1:9/chat", tmp_path / "state").here("serve", *arguments)
    assert done.code == 2 and "--replay" in done.err


def test_command_plays_with_faults_and_keeps_a_journal(tmp_path):
    shell, journal = Shell("http://127.0.0.1:9/chat", tmp_path / "state"), tmp_path / "asked.jsonl"
    arguments = ["--replay", str(TAPE), "--speed", "0", "--status", "429", "--journal", str(journal)]
    with shell.start("serve", "--port", "0", "--json", *arguments) as process:
        assert process.stdout is not None
        opened = json.loads(process.stdout.readline())
        headers = {"authorization": f"Bearer {opened['key']}"}
        with httpx.Client(trust_env=False, timeout=30, headers=headers) as client:
            model = client.get(f"{opened['url']}/models").json()["data"][0]["id"]
            body = {"model": model, "messages": HELLO}
            refused = client.post(f"{opened['url']}/chat/completions", json=body)
        assert refused.status_code == 429, refused.text
        process.terminate()
        process.communicate(timeout=30)
    asked = [json.loads(each) for each in journal.read_text().splitlines()]
    assert [(each["path"], each["status"]) for each in asked] == [
        ("/v1/models", 200),
        ("/v1/chat/completions", 429),
    ]
    assert asked[1]["body"]["messages"] == HELLO and opened["key"] not in journal.read_text()


@pytest.mark.huggingchat(tape=TAPE)
class TestFixture:
    """`huggingchat_endpoint`, as a program's tests use it."""

    def ask(self, endpoint, **more):
        headers = {"authorization": f"Bearer {endpoint.key}"}
        with httpx.Client(base_url=endpoint.base_url, headers=headers, trust_env=False, timeout=30) as client:
            model = client.get("models").json()["data"][0]["id"]
            body = {"model": model, "messages": HELLO, **more}
            with client.stream("POST", "chat/completions", json=body) as answer:
                pieces = [(time.monotonic(), each) for each in answer.iter_text()]
        return answer.status_code, pieces

    @pytest.mark.huggingchat(faults=[stall(after=300, seconds=0.3)])
    def test_answer_comes_with_its_timing_and_is_in_the_journal(self, huggingchat_endpoint):
        code, pieces = self.ask(huggingchat_endpoint, stream=True)
        assert code == 200 and text_of("".join(each for _, each in pieces)).startswith(
            "You said: hello there"
        )
        assert pieces[-1][0] - pieces[0][0] > 0.25
        models, asked = huggingchat_endpoint.journal
        assert (models.path, models.body) == ("/v1/models", None)
        assert (asked.path, asked.status, asked.body["messages"]) == ("/v1/chat/completions", 200, HELLO)

    @pytest.mark.huggingchat(speed=0)
    def test_message_takes_a_fault_away(self, huggingchat_endpoint):
        huggingchat_endpoint.faults.append(status(429))
        assert self.ask(huggingchat_endpoint)[0] == 429
        assert huggingchat_endpoint.faults == [] and huggingchat_endpoint.journal[-1].status == 429

    @pytest.mark.huggingchat(speed=0)
    async def test_stream_that_breaks_off(self, huggingchat_endpoint):
        huggingchat_endpoint.faults.append(cut(after=400))
        _, pieces = self.ask(huggingchat_endpoint, stream=True)
        assert "error" in read_stream("".join(each for _, each in pieces))[-1]

    @pytest.mark.huggingchat(speed=0, faults=[stall(after=300, seconds=0.3)])
    def test_speed_0_does_not_wait_for_a_stall(self, huggingchat_endpoint):
        assert self.ask(huggingchat_endpoint)[0] == 200

    @pytest.mark.huggingchat(faults=[stall(after=505, seconds=60.0)])
    def test_run_that_is_stopped_goes_to_its_end(self, huggingchat_endpoint):
        began = time.monotonic()
        code, pieces = self.ask(huggingchat_endpoint, max_tokens=1)
        assert code == 200 and "length" in "".join(each for _, each in pieces)
        assert time.monotonic() - began < 30
