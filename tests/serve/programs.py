"""Programs of real clients: of OpenAI, of Anthropic, of MCP, and llm. Each prints "all well"."""

OPENAI = """
import asyncio, json, sys
from openai import AsyncOpenAI, AuthenticationError, BadRequestError, NotFoundError, OpenAI

url, key, model = sys.argv[1:]
client = OpenAI(base_url=url, api_key=key, max_retries=0)
hello = [{"role": "user", "content": "hello"}]
assert model in [each.id for each in client.models.list()]
answer = client.chat.completions.create(model=model, messages=hello, temperature=1, user="ada")
assert answer.choices[0].message.content.startswith("You said: hello"), answer
assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
def ask(**more):
    return client.chat.completions.create(model=model, messages=hello, **more)
chunks = list(ask(stream=True, stream_options={"include_usage": True}))
assert chunks[-1].usage.completion_tokens
assert "".join(c.choices[0].delta.content or "" for c in chunks[:-1]).startswith("You said: hello")
for wrong, kind in (({"seed": 1}, BadRequestError), ({"n": 2}, BadRequestError)):
    try:
        ask(**wrong)
        raise SystemExit(f"{wrong} passed")
    except kind as error:
        assert error.param in wrong, error
try:
    OpenAI(base_url=url, api_key="wrong", max_retries=0).models.list()
    raise SystemExit("a wrong key passed")
except AuthenticationError as error:
    assert error.code == "invalid_api_key"
try:
    client.chat.completions.create(model="no such", messages=hello)
    raise SystemExit("an unknown model passed")
except NotFoundError as error:
    assert error.code == "model_not_found"
async def cancel():
    async with AsyncOpenAI(base_url=url, api_key=key) as client:
        long = [{"role": "user", "content": "count 4000 every 10"}]
        stream = await client.chat.completions.create(model=model, messages=long, stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()
asyncio.run(cancel())

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
seen = client.chat.completions.create(
    model="Qwen/Qwen2.5-VL-7B-Instruct",
    messages=[{"role": "user", "content": [{"type": "text", "text": "look"}, picture]}],
)
assert "[images=1]" in seen.choices[0].message.content, seen

schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tool = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
call = '<tool_call>\\n{"name": "get_weather", "arguments": {"city": "Paris"}}\\n</tool_call>'
said = [{"role": "user", "content": f"recite «{call}» for openai"}]
message = client.chat.completions.create(model=model, messages=said, tools=[tool]).choices[0].message
(called,) = message.tool_calls
assert json.loads(called.function.arguments) == {"city": "Paris"}
said += [message, {"role": "tool", "tool_call_id": called.id, "content": "It rains."}]
again = client.chat.completions.create(model=model, messages=said, tools=[tool])
assert "It rains." in again.choices[0].message.content and "[history=4" in again.choices[0].message.content
with client.chat.completions.stream(model=model, messages=said[:1], tools=[tool]) as stream:
    final = stream.get_final_completion().choices[0]
assert final.finish_reason == "tool_calls" and final.message.tool_calls[0].function.name == "get_weather"

response = client.responses.create(model=model, input="hello")
assert response.output_text.startswith("You said: hello") and response.status == "completed", response
offered = {"type": "function", "name": "get_weather", "parameters": schema, "strict": False}
items = [{"role": "user", "content": f"recite «{call}» for responses"}]
first = client.responses.create(model=model, input=items, tools=[offered])
(called,) = [each for each in first.output if each.type == "function_call"]
items += [each.to_dict() for each in first.output]
items += [{"type": "function_call_output", "call_id": called.call_id, "output": "It snows."}]
with client.responses.stream(model=model, input=items, tools=[offered]) as stream:
    deltas = "".join(each.delta for each in stream if each.type == "response.output_text.delta")
    final = stream.get_final_response()
assert "It snows." in deltas and final.output_text == deltas, final
with client.responses.stream(model=model, input=[items[0]], tools=[offered]) as stream:
    kinds = [each.type for each in stream]
    final = stream.get_final_response()
assert "response.function_call_arguments.delta" in kinds and final.output[-1].name == "get_weather"

slow = "count 3 every 700"  # the door sends empty chunks meanwhile
pieces = [
    each.choices[0].delta.content or ""
    for each in client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": slow}], stream=True
    )
]
assert "2@" in "".join(pieces), pieces
with client.responses.stream(model=model, input=slow) as stream:
    assert "2@" in "".join(each.delta for each in stream if each.type == "response.output_text.delta")
    assert "2@" in stream.get_final_response().output_text

async def ask_side_by_side():
    async with AsyncOpenAI(base_url=url, api_key=key) as client:
        asked = [
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": f"mark {n}"}])
            for n in range(4)
        ]
        for n, each in enumerate(await asyncio.gather(*asked)):
            assert each.choices[0].message.content.startswith(f"You said: mark {n} ")
asyncio.run(ask_side_by_side())
print("all well")
"""


ANTHROPIC = """
import sys
from anthropic import Anthropic, AuthenticationError, NotFoundError

url, key, model = sys.argv[1:]
url = url.removesuffix("/v1")
client = Anthropic(base_url=url, api_key=key, max_retries=0)
hello = {"max_tokens": 1000, "messages": [{"role": "user", "content": "hello"}]}
assert client.messages.create(model=model, **hello).content[0].text.startswith("You said: hello")
with client.messages.stream(model=model, **hello) as stream:
    assert "".join(stream.text_stream).startswith("You said: hello")
    assert stream.get_final_message().stop_reason == "end_turn"
try:
    client.messages.create(model="no such", **hello)
    raise SystemExit("an unknown model passed")
except NotFoundError as error:
    assert error.body["error"]["type"] == "not_found_error"
try:
    Anthropic(base_url=url, api_key="wrong", max_retries=0).messages.create(model=model, **hello)
    raise SystemExit("a wrong key passed")
except AuthenticationError:
    pass
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tool = {"name": "get_weather", "input_schema": schema}
call = '<tool_call>\\n{"name": "get_weather", "arguments": {"city": "Paris"}}\\n</tool_call>'
said = [{"role": "user", "content": f"recite «I look. {call}» for anthropic"}]
with client.messages.stream(model=model, max_tokens=1000, messages=said, tools=[tool]) as stream:
    message = stream.get_final_message()
assert message.stop_reason == "tool_use", message
(called,) = [each for each in message.content if each.type == "tool_use"]
assert called.input == {"city": "Paris"}
slow = [{"role": "user", "content": "count 3 every 700"}]  # the door sends pings meanwhile
with client.messages.stream(model=model, max_tokens=1000, messages=slow) as stream:
    assert "2@" in "".join(stream.text_stream)
result = {"type": "tool_result", "tool_use_id": called.id, "content": "It rains."}
said += [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
again = client.messages.create(model=model, max_tokens=1000, messages=said, tools=[tool])
assert "It rains." in again.content[0].text and "[history=4" in again.content[0].text, again
print("all well")
"""

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

# Its arguments: how to start the server, as JSON, and a picture in base64.
MCP = """
import asyncio, base64, json, sys
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

async def use(read, write):
    async with ClientSession(read, write) as session:
        await session.initialize()
        names = {each.name for each in (await session.list_tools()).tools}
        assert {"ask", "continue_conversation", "upload_file", "stop"} <= names, names

        async def call(name, /, **arguments):
            result = await session.call_tool(name, arguments)
            assert not result.is_error, result
            found = result.structured_content
            return found.get("result", found)

        pieces = []
        async def note(progress, total, message):
            pieces.append(message)
        asked = await session.call_tool("ask", {"prompt": "count 60 every 20"}, progress_callback=note)
        said = asked.structured_content
        assert len(pieces) > 1 and "".join(pieces) == said["text"], (pieces, asked)
        again = await call("continue_conversation", conversation_id=said["conversation_id"], prompt="and?")
        assert again["text"].startswith("You said: and?") and "history=4" in again["text"], again
        messages = await call("read_conversation", conversation_id=said["conversation_id"])
        assert [each["role"] for each in messages] == ["user", "assistant"] * 2
        assert said["conversation_id"] in [each["id"] for each in await call("list_conversations")]
        models = await call("list_models")
        seeing = next(each["id"] for each in models if each["pictures"])
        pixel = sys.argv[2]
        file = await call("upload_file", name="dot.png", base64=pixel)
        look = await call("ask", prompt="look", model=seeing, files=[file], temporary=True)
        assert "[images=1]" in look["text"], look
        wrong = [("ask", {"prompt": "x", "model": "no such"}), ("upload_file", {"path": "/etc/passwd"})]
        for name, arguments in wrong:
            refused = await session.call_tool(name, arguments)
            assert refused.is_error and "executing" in refused.content[0].text, refused

        began = asyncio.Event()
        async def notice(progress, total, message):
            began.set()
        long = asyncio.create_task(session.call_tool(
            "continue_conversation",
            {"conversation_id": said["conversation_id"], "prompt": "count 4000 every 20"},
            progress_callback=notice,
        ))
        await asyncio.wait_for(began.wait(), 20)
        assert await call("stop", conversation_id=said["conversation_id"])
        stopped = (await asyncio.wait_for(long, 20)).structured_content
        assert stopped["stopped"] and stopped["text"], stopped

        began.clear()
        left = asyncio.create_task(session.call_tool(
            "continue_conversation",
            {"conversation_id": said["conversation_id"], "prompt": "count 4000 every 20"},
            progress_callback=notice,
        ))
        await asyncio.wait_for(began.wait(), 20)
        left.cancel()
        await asyncio.wait([left])
        async with asyncio.timeout(20):  # the run stops, and the conversation can go on
            while (later := await session.call_tool(
                "continue_conversation", {"conversation_id": said["conversation_id"], "prompt": "and now?"}
            )).is_error:
                assert "is answering" in later.content[0].text, later
                await asyncio.sleep(0.1)

async def main():
    given = json.loads(sys.argv[1])
    if "url" in given:
        import httpx2
        client = httpx2.AsyncClient(headers={"authorization": f"Bearer {given['key']}"}, timeout=60)
        async with streamable_http_client(given["url"], http_client=client) as streams:
            await use(streams[0], streams[1])
    else:
        async with stdio_client(StdioServerParameters(**given)) as (read, write):
            await use(read, write)

asyncio.run(main())
print("all well")
"""

LLM = """
import asyncio, json, os, subprocess, sys
import llm

def start(*arguments):
    given = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    return subprocess.run([sys.executable, "-m", "llm", *arguments], **given)

def run(*arguments):
    done = start(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()

known = run("huggingchat").splitlines()
assert "huggingchat/meta-llama/Llama-3.3-70B-Instruct" in known, known
llama = "huggingchat/meta-llama/Llama-3.3-70B-Instruct"
assert run("-m", llama, "hello").startswith("You said: hello [history=")
assert "[history=4" in run("-c", "and?"), "the same conversation"
pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
import base64, pathlib
dot = pathlib.Path(os.environ["LLM_USER_PATH"]) / "dot.png"
dot.write_bytes(base64.b64decode(pixel))
assert "[images=1]" in run("-m", "huggingchat/Qwen/Qwen2.5-VL-7B-Instruct", "look", "-a", str(dot))
refused = start("-m", llama, "fail 500")
assert refused.returncode and "upstream failure" in refused.stderr and "Traceback" not in refused.stderr

tool = os.environ["APP_TOOL"]
assert run("-m", llama, "-T", f'AppTools("{tool}")', "use tool echo")
refused = start("-m", llama, "-T", 'AppTools("no such")', "hello")
assert refused.returncode and "no such" in refused.stderr and "Traceback" not in refused.stderr, refused
if "huggingchat/omni" in known:
    run("-m", "huggingchat/omni", "route to small/model")
    (logged,) = json.loads(run("logs", "-n", "1", "--json"))
    assert logged["resolved_model"] == "small/model", logged

response = llm.get_model(llama).prompt("reason")
events = list(response.stream_events())
assert any(each.type == "reasoning" for each in events), events
async def ask():
    response = await llm.get_async_model(llama).prompt("hello from asyncio")
    return await response.text()
assert asyncio.run(ask()).startswith("You said: hello from asyncio")
print("all well")
"""
