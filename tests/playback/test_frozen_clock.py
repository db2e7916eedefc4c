"""A replay in a test whose clock stands still, or stands somewhere else."""

from pathlib import Path

import freezegun

from huggingchat_agent import HuggingChat, sync

TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"


@freezegun.freeze_time("2020-01-01")
async def test_answer_and_dates_are_as_without(tmp_path):
    async with HuggingChat(replay=TAPE, home=tmp_path) as chat:
        await chat.login()
        conversation = await chat.new_conversation(system_prompt="Be brief.")
        answer = await conversation.send("hello there", via="page")
        assert answer.text.startswith("You said: hello there")
        read = (await conversation.read()).updated_at
        assert read is not None and read.year == 2026


@freezegun.freeze_time("2030-01-01", tick=True)
def test_answer_is_as_without_in_the_sync_api(tmp_path):
    with sync.HuggingChat(replay=TAPE, home=tmp_path) as chat:
        chat.login()
        conversation = chat.new_conversation(system_prompt="Be brief.")
        answer = conversation.send("hello there", via="page").result()
        assert answer.text.startswith("You said: hello there")
