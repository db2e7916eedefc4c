"""Files in and out, stop, retry, edit and branches, on an app that runs somewhere."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from fixtures.site.produced import PICTURE
from huggingchat_agent.errors import FileRejected, UsageError

if TYPE_CHECKING:
    from huggingchat_agent import Conversation, HuggingChat
    from huggingchat_agent.answer import Answer
    from huggingchat_agent.choices import Via
    from huggingchat_agent.wire.conversations import StoredMessage
    from tests.live.walk import Walk

VIAS: tuple[Via, ...] = ("ui", "page")


class Turns:
    """`seen` is where the model behind the app tells what reached it, None where that cannot be asked."""

    def __init__(self, chat: HuggingChat, model: str | None, seen: str | None) -> None:
        self.chat, self.model, self.seen = chat, model, seen

    async def walk(self, steps: Walk) -> None:
        for via in VIAS:
            await steps.check(f"files in by {via}", partial(self.files_in, via))
            await steps.check(f"stop by {via}", partial(self.stop, via))
            await steps.check(f"retry by {via}", partial(self.retry, via))
            await steps.check(f"edit by {via}", partial(self.edit, via))
            await steps.check(f"stopped retry by {via}", partial(self.stopped_retry, via))
            await steps.check(f"branches by {via}", partial(self.branches, via))
        await steps.check("files out", self.files_out)

    async def files_in(self, via: Via) -> str:
        talk = await self._picture_talk()
        files = [("dot.png", PICTURE), ("notes.md", b"# the word is xylophone"), ("list.csv", b"a,b\n1,2\n")]
        try:
            answer = await talk.send("look at the files", files=files, via=via)
        except UsageError as error:  # the page of older builds takes no text files
            return f"no counterpart: {error}"
        user = await self._stored(talk, answer.user_message_id)
        assert [each["name"] for each in user.files] == [name for name, _ in files], user.files
        prompt = await self._model_saw()
        if prompt is None:
            return f"{len(user.files)} files stored; what the model saw cannot be asked here"
        assert "xylophone" in prompt and "1,2" in prompt, "the model was not given the text"
        assert "data:image/" in prompt, "the model was not given the picture"
        again = await talk.edit(answer.user_message_id, "look at the files again", via=via)
        assert again.user_message_id != answer.user_message_id
        prompt = await self._model_saw() or ""
        assert "data:image/" in prompt and "xylophone" in prompt and "again" in prompt, (
            "not given again with an edit"
        )
        try:
            plain = await self._talk()
            await plain.send("look", files=[("dot.png", PICTURE)], via=via)
        except FileRejected as error:
            return f"picture and both texts given, also with the edit; else: {error}"
        return "the model was given the picture and both texts, also with the edit"

    async def files_out(self) -> str:
        talk = await self._picture_talk()
        answer = await talk.send("look at it", files=[("dot.png", PICTURE)], via="page")
        user = await self._stored(talk, answer.user_message_id)
        with tempfile.TemporaryDirectory() as folder:
            path = await talk.file(user.files[0]["value"]).save(Path(folder) / "dot.png")
            data = path.read_bytes()
        assert data == PICTURE, "the download is not what was uploaded"
        return f"{len(data)} bytes downloaded, the same that were uploaded"

    async def stop(self, via: Via) -> str:
        talk = await self._talk()
        answer = await self._stopped(talk, talk.send("count 400 every 20", via=via))
        return f"{len(answer.text)} characters, streamed and stored the same"

    async def stopped_retry(self, via: Via) -> str:
        talk = await self._talk()
        first = await self._stopped(talk, talk.send("count 400 every 20", via=via))
        second = await self._stopped(talk, talk.retry(via=via))
        assert first.message_id != second.message_id
        return f"{len(second.text)} characters, streamed and stored the same"

    async def retry(self, via: Via) -> str:
        talk = await self._talk()
        first = await talk.send("hello", via=via)
        await talk.send("and again", via=via)
        second = await talk.retry(first.message_id, via=via)
        read = await talk.tree()
        user = read.message(first.user_message_id)
        assert user is not None and user.children == [first.message_id, second.message_id], read.forks()
        third = await talk.retry(via=via)
        user = (await talk.tree()).message(first.user_message_id)
        assert user is not None and user.children[-1] == third.message_id
        return f"three answers beside each other, of an older and of the last one; by {second.via}"

    async def edit(self, via: Via) -> str:
        talk = await self._talk()
        first = await talk.send("hello", via=via)
        await talk.send("and again", via=via)
        other = await talk.edit(first.user_message_id, "good day", via=via)
        path = [each.content for each in await talk.messages()]
        assert path == ["good day", other.content], path
        return f"a new branch of two messages; by {other.via}"

    async def branches(self, via: Via) -> str:
        talk = await self._talk()
        first = await talk.send("one", via=via)
        await talk.edit(first.user_message_id, "uno", via=via)
        await talk.checkout(first.message_id)
        after = await talk.send("two", via=via)
        user = await self._stored(talk, after.user_message_id)
        assert user.ancestors[-1] == first.message_id, "it went on with the other branch"
        return f"went on with the branch checked out; {len((await talk.tree()).forks())} fork"

    async def _talk(self) -> Conversation:
        return await self.chat.new_conversation(self.model, temporary=True)

    async def _picture_talk(self) -> Conversation:
        models = await self.chat.models()
        model = next((model.id for model in models if model.multimodal), None)
        assert model is not None, "the app has no model that takes pictures"
        return await self.chat.new_conversation(model, temporary=True)

    async def _stored(self, talk: Conversation, message_id: str) -> StoredMessage:
        message = (await talk.read()).message(message_id)
        assert message is not None, f"{message_id} is not stored"
        return message

    async def _stopped(self, talk: Conversation, reply: Any) -> Answer:
        count = 0
        async for event in reply:
            count += event.name == "token"
            if count == 20:
                break
        await reply.stop()
        answer: Answer = await reply
        stored = await self._stored(talk, answer.message_id)
        assert answer.interrupted, "it was over before it could be stopped"
        assert stored.content == answer.content, "the stored text differs from the streamed one"
        return answer

    async def _model_saw(self) -> str | None:
        """The last request that reached the model, as text."""
        if self.seen is None:
            return None
        async with aiohttp.ClientSession() as http, http.get(self.seen) as response:
            return json.dumps((await response.json())[-1], ensure_ascii=False)
