"""Somebody else's client, written for the real service, gets its models and an answer here too."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.site.client import signed_in

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv-g4f"
# What the provider needs, and no more: g4f[all] would take many minutes.
PACKAGES = ("g4f==8.8.6", "curl_cffi>=0.7,<1")
INSTALL_SECONDS = 240


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment that has g4f; made the first time, kept for the next."""
    interpreter = PLACE / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = PLACE / "installed"
    if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
        venv.create(PLACE, with_pip=True, clear=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
        subprocess.run(pip, check=True, timeout=INSTALL_SECONDS)
        stamp.write_text(" ".join(PACKAGES))
    return interpreter


@pytest.mark.foreign
@pytest.mark.timeout(INSTALL_SECONDS + 60)
async def test_g4f_gets_its_models_and_a_streamed_answer(open_site, python, tmp_path):
    # As the real service is reached: by HTTPS, and by HTTP/2 where the client offers it.
    site = open_site(tls=True)
    authority = tmp_path / "authority.pem"
    authority.write_bytes(site.authority)
    async with signed_in(site) as client:
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
        cwd=PLACE,
        env={**os.environ, "REQUESTS_CA_BUNDLE": str(authority), "CURL_CA_BUNDLE": str(authority)},
    )
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    told = json.loads(out)
    models = [
        "meta-llama/Llama-3.3-70B-Instruct",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "deepseek-ai/DeepSeek-R1",
    ]
    assert told["models"] == models
    assert told["vision"] == ["Qwen/Qwen2.5-VL-7B-Instruct"]
    stored = site.control.conversations()[0]
    assert "".join(told["tokens"]) == stored["messages"][-1]["content"]
    assert len(told["tokens"]) > 5, "the answer came token by token"
    assert "hello from elsewhere [history=2 " in stored["messages"][-1]["content"]
    assert told["title"] == stored["title"]
    assert "2" in {each.http_version for each in site.control.requests}
