"""Text of the user that UTF-8 cannot hold is refused where it comes in."""

from pathlib import Path
from typing import Any

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.chat import uploads
from huggingchat_agent.errors import FileRejected, SettingsError, UsageError
from huggingchat_agent.user_text import repair, require_text
from huggingchat_agent.wire import purposes, requests

TAPE = Path(__file__).parents[1] / "fixtures" / "tapes" / "v1-conversation.tape"


@pytest.mark.parametrize(
    ("text", "what"), [("caf\udce9", "the byte 0xe9 at position 4"), ("\ud83d", "half a character")]
)
def test_text_that_cannot_be_sent_is_refused_with_its_place(text, what):
    with pytest.raises(UsageError, match=f"The prompt holds {what}.* Give it in UTF-8"):
        require_text("The prompt", text)


def test_nul_is_refused_wherever_text_comes_in():
    with pytest.raises(UsageError, match="The prompt holds a NUL at position 2"):
        require_text("The prompt", "h\0i\0")
    with pytest.raises(SettingsError, match="holds a NUL"):
        HuggingChat(profile="a\0b")
    with pytest.raises(SettingsError, match="holds a NUL"):
        HuggingChat(home="a\0b")
    with pytest.raises(FileRejected, match="The path of a file holds a NUL"):
        uploads.read(["a\0b"])
    with pytest.raises(FileRejected, match="The path of a file holds half a character"):
        uploads.read(["a\ud83d"])


def test_what_is_no_text_is_refused():
    with pytest.raises(UsageError, match="The prompt must be text, not 5"):
        require_text("The prompt", 5)


@pytest.mark.parametrize(
    "request_with",
    [
        lambda text: requests.create_conversation("model", preprompt=text),
        lambda text: requests.rename_conversation("c1", text),
        lambda text: requests.send_message("c1", text, "m1", "g1", timezone="UTC"),
        lambda text: requests.answer_elicitation("c1", "e1", "accept", {"name": [text]}),
        lambda text: requests.build(purposes.ReadConversation(text)),
    ],
)
def test_no_request_is_made_of_half_a_character(request_with):
    with pytest.raises(UsageError, match="half a character"):
        request_with("\ud83d")


def test_name_of_a_file_is_repaired():
    (upload,) = uploads.read([("caf\udce9.txt", b"x")])
    assert upload.name == repair("caf\udce9.txt") == "caf\ufffd.txt"


async def test_user_name_and_password_are_refused_at_once_and_not_shown():
    async with HuggingChat(replay=TAPE) as chat:
        with pytest.raises(SettingsError, match="username holds half"):
            await chat.login("ada\ud83d", "x")
        with pytest.raises(SettingsError, match="password holds half") as caught:
            await chat.login("ada", "4SECRET9x\ud83d")
        with pytest.raises(SettingsError, match="otp holds half"):
            await chat.login("ada", "4SECRET9x", otp="12\ud83d")
    assert "4SECRET9x" not in str(caught.value)


async def test_prompt_and_title_are_refused_at_once():
    async with HuggingChat(replay=TAPE) as chat:
        conversation = chat.conversation("66b0c0ffee66b0c0ffee66b0")
        with pytest.raises(UsageError, match="The prompt holds"):
            conversation.send("\ud83d")
        with pytest.raises(UsageError, match="The title holds"):
            await conversation.rename("\ud83d")
        with pytest.raises(UsageError, match="The system prompt holds"):
            await chat.new_conversation(system_prompt="\ud83d")


@pytest.mark.parametrize(
    ("path", "why"),
    [("a\0b", "holds a NUL"), ("a\ud83d", "holds half a character"), (5, "must be a path"), (b"x", "a path")],
)
async def test_path_that_can_be_none_is_refused_at_once(path, why):
    async with HuggingChat(replay=TAPE) as chat:
        for write in (chat.export_cookies, chat.screenshot):
            with pytest.raises(UsageError, match=f"path .*{why}"):
                await write(path)


@pytest.mark.parametrize("setting", ["home", "user_data_dir", "record", "replay", "browser"])
@pytest.mark.parametrize("path", ["a\0b", "a\ud83d"])
def test_path_of_a_setting_is_refused_at_once(setting, path):
    given: dict[str, Any] = {setting: path}
    with pytest.raises(SettingsError, match=f"{setting} holds"):
        HuggingChat(**given)
