"""Somebody else's client, written for the real service, gets its models and an answer here too."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests import foreign
from tests.site.client import open_signed_in


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment that has g4f."""
    return foreign.find_interpreter()


@pytest.mark.foreign
@pytest.mark.timeout(2 * foreign.INSTALL_SECONDS + 60)  # another worker may install first
async def test_g4f_gets_its_models_and_a_streamed_answer(open_site, python, tmp_path):
    # As the real service is reached: by HTTPS, and by HTTP/2 where the client offers it.
    site = open_site(tls=True)
    authority = tmp_path / "authority.pem"
    authority.write_bytes(site.authority)
    async with open_signed_in(site) as client:
        cookies = json.dumps(client.cookies())
    script = Path(__file__).with_name("g4f_client.py")
    process = await asyncio.create_subprocess_exec(
        str(python),
        str(script),
        site.url,
        cookies,
        "hello from elsewhere",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=foreign.PLACE,
        env={**os.environ, "REQUESTS_CA_BUNDLE": str(authority), "CURL_CA_BUNDLE": str(authority)},
    )
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    results = json.loads(out)
    models = [
        "meta-llama/Llama-3.3-70B-Instruct",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "deepseek-ai/DeepSeek-R1",
    ]
    assert results["models"] == models
    assert results["vision"] == ["Qwen/Qwen2.5-VL-7B-Instruct"]
    stored = site.control.conversations()[0]
    assert "".join(results["tokens"]) == stored["messages"][-1]["content"]
    assert len(results["tokens"]) > 5, "the answer came token by token"
    assert "hello from elsewhere [history=2 " in stored["messages"][-1]["content"]
    assert results["title"] == stored["title"]
    assert "2" in {each.http_version for each in site.control.requests}
