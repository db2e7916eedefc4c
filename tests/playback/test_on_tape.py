"""A full tape in a real browser: the app as it was, with no app and no network."""

import asyncio
import socket
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat, events, on_tape
from huggingchat_agent.browser import process_tag
from huggingchat_agent.errors import (
    GenerationFailed,
    RateLimited,
    SiteError,
    StreamBroken,
    TapeMismatch,
    UsageError,
)
from huggingchat_agent.playback import faults
from huggingchat_agent.setting_values import Record
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import summarize
from tests.playback.sockets import find_own_address, is_loopback, list_sockets
from tests.recorded import PROMPTS, make_account_settings

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secure(tmp_path_factory):
    """A full tape of a session over HTTPS and HTTP/2; with the address then, and the answer."""
    path = tmp_path_factory.mktemp("secure") / "run.tape"
    with StandIn(tls=True, echo_pause=0.001) as site:
        given = make_account_settings(site, tmp_path_factory.mktemp("state"))
        lenient = ["--ignore-certificate-errors"]
        async with HuggingChat(**given, browser_args=lenient, record=Record(path, full=True)) as chat:
            _, answers = await repeat(chat, PROMPTS[:1])
        return path, site.url, answers[0].text


async def repeat(chat, prompts=PROMPTS):
    """The same session once more: its events, and the answers."""
    log: list[events.TurnEvent] = []
    for name in ("started", "token", "reasoning", "title", "status", "answer", "finished", "failed"):
        chat.on(name, log.append)
    await chat.login()
    conversation = await chat.new_conversation()
    return log, [await conversation.send(prompt, via=via) for prompt, via in prompts]


def measure_spans(log):
    """Seconds from the message to the last token, for each turn.

    Not from the first token: on a busy machine the first ones come late, and all at once.
    """
    sent = {each.turn: each.at for each in log if each.name == "started"}
    last = {each.turn: each.at for each in log if each.name == "token"}
    return [last[turn] - sent[turn] for turn in sent]


def shape(log):
    """Events without what changes from run to run."""
    return [
        (
            each.name,
            each.turn,
            each.seq,
            each.conversation_id,
            getattr(each, "text", ""),
            getattr(each, "via", ""),
        )
        for each in log
    ]


@pytest.mark.either_engine
@pytest.mark.parametrize("engine", ["playwright", "nodriver"])
async def test_browser_replays_the_session_with_nothing_leaving_loopback(recorded, engine):
    path, then, answers = recorded
    seen: set[tuple[str, int]] = set()
    async with on_tape(path, engine=engine) as chat:
        assert chat._session.browser is not None
        tag = chat._session.browser.tag  # type: ignore[attr-defined]

        async def watch():
            while True:
                seen.update(list_sockets(process_tag.find_processes(tag)))
                await asyncio.sleep(0.05)

        watching = asyncio.create_task(watch())
        log, now = await repeat(chat)
        assert not watching.done()
        watching.cancel()
        assert (await chat.status()).username == "ada"
    assert shape(log) == shape(then)
    assert [(each.text, each.message_id, each.user_message_id) for each in now] == [
        (each.text, each.message_id, each.user_message_id) for each in answers
    ]
    recorded_span = measure_spans(then)[-1]
    # The last one was paced; the seconds are for a busy machine.
    assert recorded_span / 2 < measure_spans(log)[-1] < recorded_span + 5.0
    assert chat.port in {port for _, port in seen}, "it was looked at the wrong processes"
    assert all(is_loopback(address) for address, _ in seen)


async def test_what_is_not_on_the_tape_fails_with_the_closest_that_is(recorded):
    path, _, _ = recorded
    with pytest.raises(TapeMismatch, match="at the end"):
        async with on_tape(path, speed=0) as chat:
            await chat.login()
            conversation = await chat.new_conversation()
            with pytest.raises(TapeMismatch, match=r"hullo there.*The closest on it is POST .*hello there"):
                await conversation.send("hullo there", via="page")
            raise TapeMismatch("at the end")


async def test_mismatch_that_nobody_met_is_raised_at_the_end(recorded):
    path, _, _ = recorded
    with pytest.raises(TapeMismatch, match=r"Not on the tape.*: GET .*/api/v2/export"):
        async with on_tape(path, speed=0) as chat:
            page = await chat._session.tabs.get_shared()
            await page.evaluate(
                "(base) => fetch(base + '/api/v2/export').then(() => 1)", chat.settings.base_path, timeout=10
            )


async def test_other_origins_are_refused_quietly_and_counted(recorded):
    path, _, _ = recorded
    async with on_tape(path, speed=0) as chat:
        page = await chat._session.tabs.get_shared()
        outcome = await page.evaluate(
            "() => Promise.allSettled([fetch('https://example.org/'), fetch('http://127.0.0.2:81/')])"
            ".then(all => all.map(each => each.status))",
            timeout=10,
        )
        assert outcome == ["rejected", "rejected"]
        for _ in range(50):
            if chat.elsewhere == 2:
                break
            await asyncio.sleep(0.05)
        assert chat.elsewhere == 2
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((find_own_address(), 0))
            other.setblocking(False)
            host, port = other.getsockname()
            # WebRTC knows no rules for host names.
            await page.evaluate(
                """(server) => new Promise((done) => {
                    const peer = new RTCPeerConnection({ iceServers: [{ urls: server }] });
                    peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && done(1);
                    setTimeout(() => done(1), 1000);
                    peer.createDataChannel('x');
                    peer.createOffer().then((offer) => peer.setLocalDescription(offer));
                })""",
                f"stun:{host}:{port}",
                timeout=10,
            )
            with pytest.raises(BlockingIOError):
                other.recv(2000)


async def test_faults_happen_in_the_browser_too(recorded):
    path, _, answers = recorded
    wrong = [faults.cut(after=500, nth=1)]
    async with on_tape(path, speed=0, faults=wrong) as chat:
        await chat.login()
        conversation = await chat.new_conversation()
        with pytest.raises((StreamBroken, GenerationFailed)) as caught:
            await conversation.send(PROMPTS[0][0], via="page")
        assert answers[0].text.startswith(caught.value.partial)


async def test_swapped_status_reaches_the_caller(recorded):
    path, _, _ = recorded
    async with on_tape(path, speed=0, faults=[faults.status(429, '{"message":"Slow down"}')]) as chat:
        await chat.login()
        conversation = await chat.new_conversation()
        with pytest.raises(RateLimited, match="Slow down"):
            await conversation.send(PROMPTS[0][0], via="page")


async def test_stalled_stream_stalls_in_the_browser_too(recorded):
    path, _, answers = recorded
    exchanges = summarize(Tape(path).load()).exchanges
    posts = [each.body for each in exchanges if each.request.method == "POST"]
    body = next(each for each in posts if b'"stream"' in each)
    second = body.index(b'"stream"', body.index(b'"stream"') + 1)
    wrong = [faults.stall(after=second, seconds=1.5, nth=1)]
    async with on_tape(path, speed=0, faults=wrong) as chat:
        log, now = await repeat(chat, PROMPTS[:1])
    moments = [each.at for each in log if each.name == "token"]
    assert max(later - earlier for earlier, later in pairwise(moments)) >= 1.4
    assert now[0].text == answers[0].text


@pytest.mark.either_engine
@pytest.mark.parametrize("engine", ["playwright", "nodriver"])
async def test_session_over_https_is_replayed_at_its_https_address(secure, engine):
    """The browser takes our certificate for that host, and no other one."""
    path, url, text = secure
    async with on_tape(path, speed=0, engine=engine) as chat:
        assert chat.settings.base_url == url and url.startswith("https:")
        _, answers = await repeat(chat, PROMPTS[:1])
        page = await chat._session.tabs.get_shared()
        assert await page.evaluate("() => [location.origin, isSecureContext]", timeout=10) == [
            url.removesuffix("/chat"),
            True,
        ]
    assert answers[0].text == text


async def test_other_certificates_are_not_taken(secure, tmp_path):
    path, url, _ = secure
    async with on_tape(path, speed=0) as chat:
        pins = [each for each in chat.settings.browser_args if "spki" in each]
        assert len(pins) == 1
    with StandIn(tls=True) as other:
        rules = f"--host-resolver-rules=MAP {urlsplit(url).netloc} {urlsplit(other.origin).netloc}"
        with pytest.raises(SiteError, match="ERR_CERT"):
            async with HuggingChat(base_url=url, home=tmp_path, browser_args=[*pins, rules]):
                raise AssertionError


async def test_tape_that_is_not_full_is_refused(tmp_path):
    from tests.tape.test_files import write_whole

    with pytest.raises(UsageError, match="is not a full tape"):
        async with on_tape(write_whole(tmp_path / "a.tape")):
            raise AssertionError
