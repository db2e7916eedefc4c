"""A tape as an endpoint, without a browser."""

from pathlib import Path

from huggingchat_agent import HuggingChat
from tests.serve.conftest import open_door, read_stream

TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"


async def test_tape_answers_and_leaves_no_file_but_the_key(tmp_path):
    async with HuggingChat(replay=TAPE, home=tmp_path) as chat:
        await chat.login()
        async with open_door(chat, None) as door:
            model = (await door.client.get("/v1/models")).json()["data"][0]["id"]
            messages = [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "hello there"},
            ]
            answer = await door.ask(messages, model=model, stream=True)
            chunks = [each["choices"][0]["delta"] for each in read_stream(answer.text)]
            text = "".join(each.get("content", "") for each in chunks)
            assert text.startswith("You said: hello there")
            assert answer.text.endswith("[DONE]\n\n")
            refused = await door.ask("not on the tape", model=model)
            assert refused.status_code == 502
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["serve.key"]
