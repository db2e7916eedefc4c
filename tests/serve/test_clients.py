"""Real clients of the endpoint, in an environment of their own, and a page in a browser."""

import asyncio
import subprocess
import sys
import venv
from pathlib import Path

import filelock
import pytest

from tests.serve.conftest import MODEL

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

ROOT = Path(__file__).parents[2]
PACKAGES = ("openai", "anthropic")
PLACE = ROOT / ".venv-clients"

OPENAI = """
import asyncio, sys
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
    print("all well")
"""


def find_python():
    """The Python of the environment with the clients. The first time, pip makes it."""
    python = PLACE / "bin" / "python"
    with filelock.FileLock(PLACE.with_suffix(".lock")):
        installed = PLACE / "installed"
        if not installed.exists() or installed.read_text() != " ".join(PACKAGES):
            venv.create(PLACE, with_pip=True, clear=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
            subprocess.run(pip, check=True, timeout=240)
            installed.write_text(" ".join(PACKAGES))
    return python


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(OPENAI, id="openai", marks=[pytest.mark.soak, pytest.mark.foreign]),
        pytest.param(ANTHROPIC, id="anthropic", marks=[pytest.mark.soak, pytest.mark.foreign]),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the path of its Python")
async def test_program_of_a_client_runs(door, site, program):
    python = await asyncio.to_thread(find_python)
    child = await asyncio.create_subprocess_exec(
        python,
        "-c",
        program,
        f"{door.url}/v1",
        door.key,
        MODEL,
        env={"NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert out == b"all well\n", err.decode()
    async with asyncio.timeout(10):
        while site.control.running:  # noqa: ASYNC110 -- the site has no event for it
            await asyncio.sleep(0.02)


async def test_page_of_another_origin_cannot_use_it(door, chat, site):
    page = await chat._session.tabs.get_shared()
    for headers in ({}, {"authorization": f"Bearer {door.key}"}):
        said = await page.evaluate(
            """async (url, headers) => {
              const body = '{"model": "llama", "messages": [{"role": "user", "content": "from a page"}]}';
              const sent = fetch(url, {method: "POST", headers, body});
              try { return (await sent).status } catch (error) { return `${error}` }
            }""",
            f"{door.url}/v1/chat/completions",
            headers,
            timeout=10,
        )
        assert "Failed to fetch" in str(said)
    assert not any("from a page" in each["prompt"] for each in site.control.heard)
