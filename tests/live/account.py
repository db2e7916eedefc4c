"""What an account has on the app: its conversations and its settings, read back by another client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.raw import Raw

if TYPE_CHECKING:
    from huggingchat_agent import HuggingChat
    from tests.live.walk import Walk

MORE_THAN_A_PAGE = 33

# Preferences that came later, and what the app calls them.
NEWER = {"streaming_mode": "streamingMode", "reasoning_efforts": "reasoningEffortOverrides"}


async def walk_account(chat: HuggingChat, steps: Walk, model: str | None) -> None:
    """List, rename, share, import, export, settings there and back, delete."""
    cookies = {each["name"]: each["value"] for each in (await chat._session.read_state())["cookies"]}
    async with Raw(chat.settings.base_url, cookies) as raw:
        talk = await chat.new_conversation(model, temporary=True)
        await talk.send("hello", via="page")

        async def rename() -> str:
            await talk.rename("Über „Titel“ 👩‍👩‍👧‍👦")
            title = (await raw.read(talk.id))["title"]
            assert title == "Über „Titel“ 👩‍👩‍👧‍👦", f"the title is {title!r}"
            return f"stored as {title}"

        async def share() -> str:
            link = await talk.share()
            assert await talk.share() == link, "the same content gave another link"
            copy = await chat.import_share(link)
            theirs, ours = await raw.read(copy.id), await raw.read(talk.id)
            said = [[each["content"] for each in read["messages"]] for read in (theirs, ours)]
            await copy.delete()
            assert said[0] == said[1], "the copy says something else"
            return f"/r/ and {len(link.rpartition('/')[2])} characters; the imported copy says the same"

        async def export() -> str:
            document = json.loads(await talk.export("json"))
            text = await talk.export()
            said = [each["text"] for each in document["messages"] if each["author"] != "system"]
            assert said and all(each in text for each in said), "the documents lack what was said"
            return f"{len(document['messages'])} messages as JSON, {len(text)} characters as Markdown"

        await steps.check("rename", rename)
        await steps.check("share and import", share)
        await steps.check("export", export)
        await steps.check("list and delete", lambda: _list_and_delete(chat, raw, model))
        await steps.check("settings", lambda: _settings(chat, raw))


async def _list_and_delete(chat: HuggingChat, raw: Raw, model: str | None) -> str:
    chosen = model or (await chat.models())[0].id
    made = [(await chat.new_conversation(chosen)).id for _ in range(MORE_THAN_A_PAGE)]
    listed = [each.id async for each in chat.conversations()]
    assert len(set(listed)) == len(listed), "one is listed twice"
    assert set(made) <= set(listed), "some are not listed"
    await chat.delete_conversations(made, confirmed=len(made))
    left = {each.id async for each in chat.conversations()}
    assert not left & set(made), "some are still listed"
    gone = {await raw.status(each) for each in made}
    # Builds from June 2025 to February 2026 answer with 500.
    assert gone in ({404}, {500}), f"reading them gives {gone}"
    return f"{len(listed)} listed over several pages, each once; {len(made)} of them deleted"


async def _settings(chat: HuggingChat, raw: Raw) -> str:
    before, kept = await raw.settings(), await chat.preferences()
    last = (await chat.models())[-1].id
    change: dict[str, Any] = {
        "active_model": last,
        "streaming_mode": "raw" if kept.streaming_mode == "smooth" else "smooth",
        "system_prompts": {last: "Be brief."},
        "reasoning_efforts": {last: "high"},
    }
    missing = [name for name, key in NEWER.items() if key not in before]
    for name in missing:
        del change[name]
    back: dict[str, Any] = {
        "active_model": kept.active_model,
        "streaming_mode": kept.streaming_mode,
        "system_prompts": {last: kept.system_prompts.get(last)},
        "reasoning_efforts": {last: kept.reasoning_efforts.get(last)},
    }
    for name in missing:
        del back[name]
    await chat.change_preferences(**change)
    changed = await raw.settings()
    talk = await chat.new_conversation(temporary=True)
    stored = await raw.read(talk.id)
    same = {key for key in before if before[key] == changed.get(key)}
    await chat.change_preferences(**back)
    after = await raw.settings()
    moments = {"welcomeModalSeenAt", "ethicsModalAcceptedAt"}
    differ = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} - moments
    assert (stored["model"], stored["preprompt"]) == (last, "Be brief."), "a new conversation is as before"
    assert not differ, f"not as before: {', '.join(sorted(differ))}"
    none = f"; the app of that time has no {' and no '.join(missing)}" if missing else ""
    return f"{len(before) - len(same)} of {len(before)} changed and read back, then all as before{none}"
