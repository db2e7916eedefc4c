"""Run in an environment that has g4f: its client on our provider; what it got as JSON.

EXAMPLE is a program that is run in between, as it stands.

usage: python g4f_client.py PICTURE EXAMPLE
"""

import asyncio
import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

from g4f.client import AsyncClient, Client
from g4f.errors import MissingAuthError
from g4f.providers.response import JsonConversation

from huggingchat_agent.provider import HuggingChat

LLAMA, QWEN = "meta-llama/Llama-3.3-70B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"


def make_messages(text):
    return [{"role": "user", "content": text}]


async def use_async_client(results, picture):
    completions = AsyncClient(provider=HuggingChat).chat.completions
    whole = await completions.create(model=LLAMA, messages=make_messages("not streamed"))
    results["whole"] = whole.choices[0].message.content
    results["finish"] = whole.choices[0].finish_reason
    results["recognised"] = isinstance(whole.conversation, JsonConversation)
    chunks = completions.create(
        model=LLAMA, messages=make_messages("streamed on"), stream=True, conversation=whole.conversation
    )
    results["chunks"] = [
        chunk.choices[0].delta.content async for chunk in chunks if chunk.choices[0].delta.content
    ]
    seen = await completions.create(
        model=QWEN, messages=make_messages("look"), image=picture, image_name="dot.png"
    )
    results["seen"] = seen.choices[0].message.content
    reasoned = await completions.create(model="deepseek-r1", messages=make_messages("reason a bit"))
    results["reasoning"] = reasoned.choices[0].message.reasoning
    results["answer"] = reasoned.choices[0].message.content
    drawn = await completions.create(model=LLAMA, messages=make_messages("draw picture"))
    results["drawn"] = drawn.choices[0].message.content


async def use_no_auth(results):
    try:
        async for _ in HuggingChat.create_authed(LLAMA, make_messages("hi"), None):
            pass
    except MissingAuthError as error:
        results["missing_auth"] = type(error).__name__


def use_client(results):
    completions = Client(provider=HuggingChat).chat.completions
    whole = completions.create(model=LLAMA, messages=make_messages("without a loop"))
    results["sync"] = whole.choices[0].message.content
    chunks = completions.create(model=LLAMA, messages=make_messages("without a loop"), stream=True)
    results["sync_chunks"] = [
        chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content
    ]


def run_example(results, program):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(program)
    results["example"] = printed.getvalue()


def main(picture, example):
    results = {"models": HuggingChat.get_models()}
    asyncio.run(use_async_client(results, Path(picture).read_bytes()))
    asyncio.run(use_no_auth(results))
    use_client(results)
    run_example(results, example)
    sys.stdout.write(json.dumps(results, default=str))


main(*sys.argv[1:])
