"""A process that asks once and prints the outcome, for a test that stops it in the middle.

python -m tests.faults.sleeper URL HOME ENGINE PROMPT
"""

import asyncio
import json
import sys

from huggingchat_agent import Deadlines, HuggingChat
from huggingchat_agent.errors import AgentError

URL, HOME, ENGINE, PROMPT = sys.argv[1:]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def ask() -> None:
    deadlines = Deadlines(first_update=2, idle=2)
    async with HuggingChat(base_url=URL, home=HOME, engine=ENGINE, deadlines=deadlines) as chat:
        await chat.login()
        conversation = await chat.new_conversation()
        reply = conversation.send(PROMPT, via="page")
        async for event in reply:
            if event.name == "token":
                say("answering")
                break
        try:
            found = {"text": (await reply).text}
        except AgentError as error:
            found = {"error": type(error).__name__, "partial": getattr(error, "partial", "")}
        streamed = "".join(each.text for each in reply.events if each.name == "token")
        say(json.dumps(found | {"streamed": streamed}))


asyncio.run(ask())
