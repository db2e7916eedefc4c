"""Runs the programs of the clients once each against an app: `python -m tests.serve.walk BASE_URL`.

The account is in HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD. It prints the rows of docs/verified.md. The
app's model must echo, as those of the stand-in and of the scripted hub do.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from tests import foreign
from tests.serve import programs
from tests.serve.conftest import MODEL


def main(base_url: str) -> None:
    python = str(foreign.find_clients())
    with tempfile.TemporaryDirectory() as home:
        chosen = {
            "HUGGINGCHAT_BASE_URL": base_url,
            "HUGGINGCHAT_HOME": home,
            "LLM_USER_PATH": home,
            "APP_TOOL": "Bench",
        }
        environment = os.environ | chosen
        agent = [python, "-m", "huggingchat_agent"]
        serving = subprocess.Popen(
            [*agent, "serve", "--port", "0", "--json"], env=environment, stdout=subprocess.PIPE
        )
        try:
            assert serving.stdout is not None
            opened = json.loads(serving.stdout.readline())
            account = [opened["url"], opened["key"], MODEL]
            show("openai", [python, "-c", programs.OPENAI, *account], environment)
            show("anthropic", [python, "-c", programs.ANTHROPIC, *account], environment)
            ask = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]})
            curl = ["curl", "-sN", "--noproxy", "*", f"{opened['url']}/chat/completions", "-d", ask]
            show(
                "curl", [*curl, "-H", f"Authorization: Bearer {opened['key']}"], environment, part="You said"
            )
        finally:
            serving.send_signal(signal.SIGTERM)
            serving.wait()
        try:
            start = {"command": python, "args": ["-m", "huggingchat_agent", "mcp"], "env": dict(environment)}
            mcp = [python, "-c", programs.MCP, json.dumps(start), programs.PIXEL]
            show("mcp over stdio", mcp, environment)
            show("llm", [python, "-c", programs.LLM], environment)
        finally:
            subprocess.run([*agent, "serve", "--stop"], env=environment, check=False)


def show(name: str, command: list[str], environment: dict[str, str], part: str = "all well") -> None:
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if part in done.stdout:
        said = "all well"
    else:
        said = f"FAILED: {(done.stderr or done.stdout).strip()[-700:]}"
    sys.stdout.write(f"| {name} | {said} | {time.monotonic() - began:.1f} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
