"""A full tape in a real browser: the app as it was, with no app and no network."""

import asyncio

import pytest

from huggingchat_agent import events, on_tape
from huggingchat_agent.browser import mark as marks
from huggingchat_agent.errors import GenerationFailed, RateLimited, StreamBroken, TapeMismatch, UsageError
from huggingchat_agent.tape import faults
from tests.tape.conftest import PROMPTS
from tests.tape.sockets import family, is_loopback, sockets

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def again(chat, prompts=PROMPTS):
    """The same session once more: what was told, and the answers."""
    told: list[events.TurnEvent] = []
    for name in ("started", "token", "reasoning", "title", "status", "answer", "finished", "failed"):
        chat.on(name, told.append)
    await chat.login()
    conversation = await chat.new_conversation()
    return told, [await conversation.send(prompt, via=via) for prompt, via in prompts]


def spans(told):
    """Seconds from the first token to the last, for each turn."""
    moments: dict[int, list[float]] = {}
    for each in told:
        if each.name == "token":
            moments.setdefault(each.turn, []).append(each.at)
    return [each[-1] - each[0] for each in moments.values()]


def shape(told):
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
        for each in told
    ]


@pytest.mark.parametrize("engine", ["playwright", "nodriver"])
async def test_browser_replays_the_session_with_nothing_leaving_loopback(recorded, engine):
    path, then, answers = recorded
    seen: set[tuple[str, int]] = set()
    async with on_tape(path, engine=engine) as chat:
        assert chat.session.browser is not None
        mark = chat.session.browser.mark  # type: ignore[attr-defined]

        async def watch():
            while True:
                seen.update(sockets(family(marks.processes(mark))))
                await asyncio.sleep(0.05)

        watching = asyncio.create_task(watch())
        told, now = await again(chat)
        assert not watching.done()
        watching.cancel()
        assert (await chat.status()).username == "ada"
    assert shape(told) == shape(then)
    assert [(each.text, each.message_id, each.user_message_id) for each in now] == [
        (each.text, each.message_id, each.user_message_id) for each in answers
    ]
    assert spans(told)[-1] == pytest.approx(spans(then)[-1], rel=0.5), "the last one was paced"
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
    with pytest.raises(TapeMismatch, match=r"not on the tape: GET .*/api/v2/export"):
        async with on_tape(path, speed=0) as chat:
            page = await chat.session.shared_page()
            await page.evaluate(
                "(base) => fetch(base + '/api/v2/export').then(() => 1)", chat.settings.base_path, timeout=10
            )


async def test_other_origins_are_refused_quietly_and_counted(recorded):
    path, _, _ = recorded
    async with on_tape(path, speed=0) as chat:
        page = await chat.session.shared_page()
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


async def test_tape_that_is_not_full_is_refused(tmp_path):
    from tests.tape.test_files import whole

    with pytest.raises(UsageError, match="no full tape"):
        async with on_tape(whole(tmp_path / "a.tape")):
            raise AssertionError
