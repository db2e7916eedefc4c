"""Headers of tool servers, cookies and the session stay where they were given.

Looked at are: what commands print, the files that they leave, the command lines of all processes that they
start, and the environments of all but the first, to which a person gave the secrets.
"""

import base64
import contextlib
import json
import signal
import threading
from pathlib import Path

import httpx
import pytest

from fixtures.site import StandIn
from tests.cli.shell import Shell
from tests.features.tool_server import HEADER, ToolHost
from tests.quick import QUICK

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc").exists(), reason="processes are read from /proc"),
]

KEY = "k3y-of-the-shouting-server"
VARIABLES = ("HUGGINGCHAT_SESSION", "HUGGINGCHAT_TOOL_SERVERS", "HUGGINGCHAT_PASSWORD")
ASK = ("ask", "-v", "use my tool loud_echo", "--tool-server", "Shouting")


@pytest.fixture(scope="module")
def site():
    with StandIn(echo_pause=0.001, **QUICK) as site:
        yield site


@pytest.fixture(scope="module")
def host():
    with ToolHost(KEY) as host:
        yield host


@pytest.fixture(params=["playwright", "nodriver"])
def engine(request):
    return request.param


class Watched:
    """A shell with all secrets in its environment. Looks at what runs because of it, until the end."""

    def __init__(self, site, host, engine, folder):
        state = site.control.open_session()
        text = base64.b64encode(json.dumps(state).encode()).decode()
        self.secrets = [KEY, site.password, text[:60], *(each["value"] for each in state["cookies"])]
        self.shell = Shell(site.url, folder / "state")
        servers = {"Shouting": {"url": host.url, "headers": {HEADER: KEY}}}
        values = (text, json.dumps(servers), site.password)
        self.shell.more = dict(zip(VARIABLES, values, strict=True)) | {
            "HUGGINGCHAT_ENGINE": engine,
            "XDG_RUNTIME_DIR": "",  # the socket of a warm session is in the state folder too
        }
        self.said = ""
        self.found: set[str] = set()  # the command lines of those that have a secret
        self.browsers = 0
        self._folder, self._over = folder, threading.Event()
        self._looking = threading.Thread(target=self._look)

    def __enter__(self):
        self._looking.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._looking.join()

    def __call__(self, *arguments):
        done = self.shell(*arguments)
        self.said += done.out + done.err
        return done

    def check(self):
        assert self.browsers, "no browser was seen"
        assert self.found == set()
        files = {path: path.read_bytes() for path in self._folder.rglob("*") if path.is_file()}
        for secret in self.secrets:
            assert secret not in self.said
            assert [path for path, body in files.items() if secret.encode() in body] == []

    def _look(self):
        while not self._over.wait(0.2):  # a process has no event for its start
            for process in self.shell.processes():
                self._look_at(Path(f"/proc/{process}"))

    def _look_at(self, folder):
        with contextlib.suppress(OSError):  # it ended meanwhile
            line = (folder / "cmdline").read_text(errors="replace").replace("\0", " ")
            environment = (folder / "environ").read_text(errors="replace")
            if "/huggingchat " in line:  # a person gave it the secrets
                environment = ""
            self.browsers += "--headless" in line
            # Nothing else is kept: an environment holds more secrets than ours.
            if any(each in line + environment for each in (*self.secrets, *VARIABLES)):
                self.found.add(line[:80])


@pytest.fixture
def watched(site, host, engine, tmp_path):
    with Watched(site, host, engine, tmp_path) as watched:
        yield watched
    watched.check()


def test_ask_with_a_tool_server_and_a_tape(watched, host, tmp_path):
    done = watched(*ASK, "--record", str(tmp_path / "run.tape"))
    assert done.code == 0, done.err
    assert (host.heard[-1], "PING" in done.out + done.err) == ("tools/call", True)


def test_batch(watched, tmp_path):
    prompts = tmp_path / "in.jsonl"
    prompts.write_text("".join(json.dumps({"prompt": each}) + "\n" for each in ("one", "fail 500", "two")))
    done = watched("batch", "-v", str(prompts), "-o", str(tmp_path / "out.jsonl"))
    assert done.code == 1 and (tmp_path / "out.jsonl").read_text().count("answered") == 2


def test_warm_session(watched, host):
    assert watched("serve", "--background", "-v").code == 0
    heard = len(host.heard)
    done = watched(*ASK)
    assert done.code == 0 and "warm session (process" in done.err, done.err
    assert "tools/call" in host.heard[heard:]
    assert watched("ask", "fail 500").code == 1
    assert watched("serve", "--stop").code == 0


def test_endpoint(watched):
    with watched.shell.start("serve", "--port", "0", "--json", "-v") as process:
        opened = json.loads(process.stdout.readline())
        body = {"model": "llama", "messages": [{"role": "user", "content": "hello"}]}
        headers = {"authorization": f"Bearer {opened['key']}"}
        answer = httpx.post(f"{opened['url']}/chat/completions", json=body, headers=headers, timeout=60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    watched.said += (out + err).decode() + answer.text
    assert answer.status_code == 200, answer.text
