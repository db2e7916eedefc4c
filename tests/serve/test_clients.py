"""Real clients of the endpoint, in an environment of their own, and a page in a browser."""

import asyncio
import contextlib
import json
import os
import shutil
import sys

import httpx
import pytest

from fixtures.site import StandIn
from tests import foreign
from tests.cli.shell import Shell
from tests.quick import QUICK
from tests.serve import programs
from tests.serve.conftest import MODEL, read_stream

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LONG = [pytest.mark.soak, pytest.mark.foreign]


async def run_program(program, *arguments, **environment):
    python = await asyncio.to_thread(foreign.find_clients)
    child = await asyncio.create_subprocess_exec(
        python,
        "-c",
        program,
        *arguments,
        env={"NO_PROXY": "*", "PATH": os.environ["PATH"], **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert out.endswith(b"all well\n"), err.decode()[-4000:]


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(programs.OPENAI, id="openai", marks=LONG),
        pytest.param(programs.ANTHROPIC, id="anthropic", marks=LONG),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the path of its Python")
async def test_program_of_a_client_runs(door, site, program):
    await run_program(program, f"{door.url}/v1", door.key, MODEL)
    async with asyncio.timeout(10):
        while site.control.running:  # noqa: ASYNC110 -- the site has no event for it
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def sign_in_by_itself(site, folder):
    """A shell with the account of a site. Its warm session ends with the block."""
    shell = Shell(site.url, folder / "state")
    shell.more = {"HUGGINGCHAT_USERNAME": site.username, "HUGGINGCHAT_PASSWORD": site.password}
    yield shell
    shell("serve", "--stop")
    assert not shell.processes()


@pytest.fixture
def shell(site, tmp_path):
    with sign_in_by_itself(site, tmp_path) as shell:
        yield shell


@pytest.mark.parametrize("how", [pytest.param(each, marks=LONG) for each in ("stdio", "http")])
async def test_client_of_mcp_uses_every_tool(shell, site, how):
    python = str(await asyncio.to_thread(foreign.find_clients))
    command, arguments = python, ["-m", "huggingchat_agent", "mcp"]
    given = {"command": command, "args": arguments, "env": shell.environment()}
    if how == "stdio":
        await run_program(programs.MCP, json.dumps(given), programs.PIXEL)
    else:
        more = ["--http", "--port", "0", "--json"]
        serving = await asyncio.create_subprocess_exec(
            command, *arguments, *more, env=shell.environment(), stdout=asyncio.subprocess.PIPE
        )
        assert serving.stdout is not None
        opened = await serving.stdout.readline()
        try:
            await run_program(programs.MCP, opened.decode(), programs.PIXEL)
            async with httpx.AsyncClient(trust_env=False) as stranger:
                url = json.loads(opened)["url"]
                assert (await stranger.post(url, json={})).status_code == 401
        finally:
            serving.terminate()
            await serving.wait()
    assert not site.control.running


@pytest.mark.parametrize("program", [pytest.param(programs.LLM, id="llm", marks=LONG)])
async def test_plugin_of_llm_answers(tmp_path, program):
    with StandIn(router=True, echo_pause=0.0, **QUICK) as site, sign_in_by_itself(site, tmp_path) as shell:
        await run_program(program, **shell.environment({"APP_TOOL": "mock", "LLM_USER_PATH": str(tmp_path)}))


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
async def test_curl_gets_a_stream(door):
    body = json.dumps({"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "hello"}]})
    child = await asyncio.create_subprocess_exec(
        *("curl", "-sN", "--noproxy", "*", f"{door.url}/v1/chat/completions"),
        *("-H", f"Authorization: Bearer {door.key}", "-H", "Content-Type: application/json", "-d", body),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await child.communicate()
    chunks = read_stream(out.decode())
    text = "".join(each["choices"][0]["delta"].get("content") or "" for each in chunks)
    assert text.startswith("You said: hello") and out.endswith(b"[DONE]\n\n")


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
