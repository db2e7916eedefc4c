"""The doctor's walk through the site, as it is and as it drifts."""

import pytest

from fixtures.site import BUILDS, StandIn
from fixtures.site.drifts import DRIFTS, FATAL
from huggingchat_agent import HuggingChat
from huggingchat_agent.doctor.app import examine
from tests.doctor.drifts import NAMED
from tests.e2e.conftest import make_settings_for
from tests.quick import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

OLDER = list(BUILDS)[1:]

# These hide others: what breaks the page, or stands in front of it, or ends the walk.
ALONE = {
    "messages without ancestors",
    "conversations without messages",
    "the models elsewhere",
    "the list elsewhere",
    "Send under another name",
    "the composer under another name",
    "the composer is no text area",
    "a dialog without a button",
    "a dialog that wants consent",
    "a banner over the composer",
    "a notice over the composer",
    *FATAL,
}


def written(report):
    return "\n".join(f"{each.state} {each.check}: {each.text} by {each.by}" for each in report.findings)


async def test_app_as_the_agent_knows_it_is_sound(chat, site):
    report = await examine(chat)
    assert report.sound, written(report)
    assert [each.check for each in report.findings if each.state == "note"] in (
        [],
        ["the button that stops an answer"],
    )
    by = {each.check: each.by for each in report.findings}
    assert by["models"] == "GET /api/v2/models"
    assert by["turn"] == "ui"
    assert by["the button that sends it"] == "button 'Send message'"
    assert site.control.conversations() == []


@pytest.mark.parametrize(
    "older", [pytest.param(each, marks=pytest.mark.soak if each == "2026-01" else ()) for each in OLDER]
)
async def test_older_build_is_sound_and_its_fallbacks_are_noted(older, tmp_path):
    with StandIn(**QUICK, **BUILDS[older]) as site:
        account = make_settings_for(site, tmp_path)
        async with HuggingChat(**account, step_timeout=8) as chat:
            report = await examine(chat)
        assert site.control.conversations() == []
    assert report.sound, written(report)
    fallbacks = {each.by for each in report.findings if each.check == "fallback"}
    assert ("GET /api/user" in fallbacks) == (older == "2025-04")


async def test_many_drifts_at_once_are_all_named(chat, site):
    names = DRIFTS.keys() - ALONE
    site.control.drift(*sorted(names))
    report = await examine(chat)
    text = written(report)
    assert [name for name in names if NAMED[name] not in text] == []
    assert not report.sound
    assert site.control.conversations() == []


@pytest.mark.parametrize(
    ("name", "pause", "state"),
    [("Stop generating", 0.1, "good"), pytest.param("Halt", 0.4, "gone", marks=pytest.mark.soak)],
)
async def test_stop_button_is_looked_for_while_the_answer_comes(chat, site, name, pause, state):
    site.control.switch(echo_pause=pause)
    site.control.rename("Stop generating", name)
    try:
        report = await examine(chat)
    finally:
        site.control.rename("Stop generating", "Stop generating")
        site.control.switch(echo_pause=0.005)
    found = {each.check: each.state for each in report.findings}
    assert found["the button that stops an answer"] == state


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.soak) for name in sorted(ALONE)])
async def test_drift_that_hides_others_is_named(chat, site, name):
    site.control.drift(name)
    report = await examine(chat)
    assert not report.sound
    assert NAMED[name] in written(report)
    assert site.control.conversations() == []
