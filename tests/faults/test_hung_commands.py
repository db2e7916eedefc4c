"""A command on a site that accepts connections but no longer answers: a signal ends it in time."""

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest

from fixtures.site import StandIn
from huggingchat_agent.browser import process_tag
from tests.faults.proxy import Proxy
from tests.quick import QUICK
from tests.signed_in import save_session

pytestmark = pytest.mark.browser

LONGEST = 10.0  # seconds, from the signal to the end
AT_ONCE = 2.0  # seconds, from the second one

# What the site has sent when it falls silent; behind the nth match. The page needs about ten responses.
SILENT = {
    "page load": (rb"HTTP/1\.1 \d+", 1),
    "its scripts": (rb"HTTP/1\.1 \d+", 4),
    "first calls": (rb"HTTP/1\.1 \d+", 9),
    "sign-in": (rb'type="password"', 1),
    "mid-answer": (rb'"token":"', 20),
}
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
ENGINES = ("playwright", "nodriver")

# What the default run takes: each moment, each signal and each engine, and the middle of an answer twice.
BY_DEFAULT = {
    ("page load", signal.SIGINT, "playwright"),
    ("its scripts", signal.SIGTERM, "playwright"),
    ("first calls", signal.SIGINT, "nodriver"),
    ("sign-in", signal.SIGTERM, "nodriver"),
    ("mid-answer", signal.SIGINT, "nodriver"),
    ("mid-answer", signal.SIGTERM, "playwright"),
}


@pytest.fixture(scope="module")
def site():
    with StandIn(**QUICK) as site:
        yield site


@pytest.fixture
def silent_command(site, tmp_path):
    """Starts `ask` behind a proxy, and returns it when the site has fallen silent at that moment."""
    with Proxy(site.url) as proxy:
        started = []

        def start(engine, moment):
            if moment != "sign-in":
                save_session(site, tmp_path)
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("HUGGINGCHAT_")},
                "HUGGINGCHAT_BASE_URL": proxy.url,
                "HUGGINGCHAT_ENGINE": engine,
                "HUGGINGCHAT_HOME": str(tmp_path),
                "HUGGINGCHAT_USERNAME": site.username,
                "HUGGINGCHAT_PASSWORD": site.password,
            }
            pattern, nth = SILENT[moment]
            trap = proxy.trap(pattern, proxy.hold, nth=nth)
            process = subprocess.Popen(
                [sys.executable, "-m", "huggingchat_agent", "ask", "--via", "page", "count 3000 every 10"],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            started.append(process)
            assert trap.sprung.wait(60)
            time.sleep(0.5)  # until the command waits for what does not come
            assert process.poll() is None
            return process

        yield start
        proxy.reset()
        for process in started:
            process.kill()
            process.communicate()


def find_browser(command):
    """The processes of the command's browser."""
    found = process_tag.find_processes(f"{process_tag.Owner.of(command.pid)}.")
    assert found
    return [process_tag.Owner.of(each) for each in found]


@pytest.mark.parametrize(
    ("moment", "number", "engine"),
    [
        pytest.param(*each, marks=() if each in BY_DEFAULT else pytest.mark.soak)
        for each in itertools.product(SILENT, SIGNALS, ENGINES)
    ],
)
def test_signal_ends_a_command_within_ten_seconds(silent_command, engine, moment, number):
    process = silent_command(engine, moment)
    browser = find_browser(process)
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(60) == SIGNALS[number]
    assert time.monotonic() - began < LONGEST
    assert not any(each.alive for each in browser)


@pytest.mark.either_engine
@pytest.mark.parametrize("engine", ENGINES)
def test_second_interrupt_ends_a_command_at_once(silent_command, engine):
    process = silent_command(engine, "mid-answer")
    browser = find_browser(process)
    process.send_signal(signal.SIGINT)
    time.sleep(1.0)  # the site is asked to stop the answer now
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert time.monotonic() - began < AT_ONCE
    assert process.stderr.read() == "Ended at once. The answer may go on at the app.\n"
    until = time.monotonic() + 5
    while any(each.alive for each in browser):
        assert time.monotonic() < until
        time.sleep(0.1)
