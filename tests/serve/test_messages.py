"""Anthropic's API: its requests, its answers, its streams."""

import pytest

from huggingchat_agent.serve.messages import Messages
from huggingchat_agent.serve.refusals import Refusal
from tests.serve.conftest import MODEL, read_stream

SAID = [{"role": "user", "content": "hello"}]
HELLO = {"model": MODEL, "max_tokens": 1000, "messages": SAID}


def test_request_is_read():
    blocks = [{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "b", "signature": ""}]
    more = {"role": "assistant", "content": blocks}
    system = [{"type": "text", "text": "Be brief."}]
    body = HELLO | {"messages": [*SAID, more], "system": system, "stop_sequences": ["x"]}
    question = Messages().parse(body, lenient=False)
    said = [(each.role, each.text) for each in question.messages]
    assert said == [("system", "Be brief."), ("user", "hello"), ("assistant", "a")]
    assert (question.max_tokens, question.stop) == (1000, ("x",))


@pytest.mark.parametrize(
    "wrong", [{"max_tokens": None}, {"max_tokens": 0}, {"top_k": 5}, {"tools": [{}]}, {"temperature": 0}]
)
def test_wrong_request_is_refused_in_their_shape(wrong):
    with pytest.raises(Refusal) as found:
        Messages().parse(HELLO | wrong, lenient=False)
    shape = Messages().refuse(found.value)
    assert shape["type"] == "error" and shape["error"]["type"] == "invalid_request_error"


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
class TestAnswers:
    async def post(self, door, **more):
        headers = {"x-api-key": door.key, "authorization": ""}
        return await door.client.post("/v1/messages", json=HELLO | more, headers=headers)

    async def test_whole_answer(self, door):
        body = (await self.post(door)).json()
        assert body["content"][-1]["text"].startswith("You said: hello")
        assert (body["stop_reason"], body["type"], body["model"]) == ("end_turn", "message", MODEL)
        cut = (await self.post(door, max_tokens=2)).json()
        assert (cut["content"][0]["text"], cut["stop_reason"]) == ("You said", "max_tokens")

    async def test_stream_begins_and_ends_each_block(self, door):
        reason = [{"role": "user", "content": "reason"}]
        events = read_stream((await self.post(door, stream=True, messages=reason)).text)
        names = [each["type"] for each in events if each["type"] not in ("content_block_delta", "ping")]
        block = ["content_block_start", "content_block_stop"]
        assert names == ["message_start", *block, *block, "message_delta", "message_stop"]
        kinds = [each["content_block"]["type"] for each in events if "content_block" in each]
        assert kinds == ["thinking", "text"]

    async def test_error_has_their_shape(self, door):
        answer = await self.post(door, model="no such model")
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
