"""The account's settings: read, and changed so that no other one is reset; read back by another client."""

import asyncio
import json

import pytest
import pytest_asyncio

from huggingchat_agent.errors import PageChanged, SiteError, UnknownModel, UsageError

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
QWEN = "Qwen/Qwen2.5-VL-7B-Instruct"
DEEPSEEK = "deepseek-ai/DeepSeek-R1"

# None of it the app's default.
EVERYTHING = {
    "shareConversationsWithModelAuthors": False,
    "welcomeModalSeen": True,
    "activeModel": QWEN,
    "customPrompts": {LLAMA: "Be brief.", QWEN: "Look closely."},
    "customPromptsEnabled": {QWEN: False},
    "multimodalOverrides": {LLAMA: True},
    "toolsOverrides": {LLAMA: False},
    "artifactsOverrides": {QWEN: True},
    "providerOverrides": {LLAMA: "fastest"},
    "reasoningEffortOverrides": {LLAMA: "low"},
    "reasoningOverrides": {DEEPSEEK: False},
    "streamingMode": "raw",
    "directPaste": True,
    "hapticsEnabled": False,
    "hidePromptExamples": {LLAMA: True},
    "billingOrganization": "acme",
}


@pytest_asyncio.fixture(loop_scope="module")
async def everything(raw):
    await raw.save_settings(**EVERYTHING)
    return await raw.settings()


CHANGES = [
    ({"active_model": "deepseek"}, {"activeModel": DEEPSEEK}),
    ({"streaming_mode": "smooth"}, {"streamingMode": "smooth"}),
    (
        {"system_prompts": {"qwen": "Look again.", DEEPSEEK: "Think."}},
        {
            "customPrompts": {LLAMA: "Be brief.", QWEN: "Look again.", DEEPSEEK: "Think."},
            "customPromptsEnabled": {QWEN: True, DEEPSEEK: True},
        },
    ),
    (
        {"system_prompts": {"qwen": None}},
        {"customPrompts": {LLAMA: "Be brief."}, "customPromptsEnabled": {}},
    ),
    (
        {"system_prompts_enabled": {"llama": False}},
        {"customPromptsEnabled": {QWEN: False, LLAMA: False}},
    ),
    (
        {"reasoning_efforts": {"deepseek": "high", "llama": None}},
        {"reasoningEffortOverrides": {DEEPSEEK: "high"}},
    ),
]


@pytest.mark.parametrize(("changes", "changed"), CHANGES, ids=lambda each: next(iter(each)))
async def test_change_resets_nothing_else(chat, raw, everything, changes, changed):
    current = await chat.change_preferences(**changes)
    after = await raw.settings()
    moments = {"welcomeModalSeenAt": after["welcomeModalSeenAt"]}  # the app's own clock
    assert after == {**everything, **changed, **moments}
    assert current == await chat.preferences()
    assert current.active_model == after["activeModel"]


async def test_preferences_are_what_the_app_keeps(chat, everything):
    current = await chat.preferences()
    assert (current.active_model, current.streaming_mode) == (QWEN, "raw")
    assert current.reasoning_efforts == {LLAMA: "low"}
    assert current.system_prompts == EVERYTHING["customPrompts"]
    assert [current.system_prompt(model) for model in (LLAMA, QWEN, DEEPSEEK)] == ["Be brief.", "", None]
    assert (current.providers, current.artifacts) == ({LLAMA: "fastest"}, {QWEN: True})
    assert (current.billing_organization, current.extra["directPaste"]) == ("acme", True)


async def test_changes_at_once_are_all_made(chat, raw, everything):
    await asyncio.gather(
        chat.change_preferences(active_model=LLAMA),
        chat.change_preferences(streaming_mode="smooth"),
        chat.change_preferences(system_prompts={LLAMA: "one"}),
        chat.change_preferences(system_prompts={DEEPSEEK: "two"}),
    )
    after = await raw.settings()
    assert (after["activeModel"], after["streamingMode"]) == (LLAMA, "smooth")
    assert after["customPrompts"] == {LLAMA: "one", QWEN: "Look closely.", DEEPSEEK: "two"}
    assert after["billingOrganization"] == "acme"


async def test_new_conversation_gets_the_preferred_model_and_system_prompt(chat, raw, everything):
    prompts = []
    for model in (None, LLAMA, DEEPSEEK):
        conversation = await chat.new_conversation(model)
        stored = await raw.read(conversation.id)
        prompts.append((stored["model"], stored["messages"][0]["content"]))
    assert prompts == [(QWEN, ""), (LLAMA, "Be brief."), (DEEPSEEK, "")]
    own = await chat.new_conversation(LLAMA, system_prompt="Sing.")
    assert (await raw.read(own.id))["messages"][0]["content"] == "Sing."


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"streaming_mode": "fast"}, UsageError),
        ({"reasoning_efforts": {LLAMA: "most"}}, UsageError),
        ({"temperature": 1}, UsageError),
        ({"extra": {}}, UsageError),
        ({"active_model": "nonsense"}, UnknownModel),
        ({"system_prompts": {"nonsense": "x"}}, UnknownModel),
    ],
)
async def test_change_that_cannot_be_is_refused_before_it_is_sent(site, chat, changes, error):
    before = site.control.count("POST", "/settings")
    with pytest.raises(error):
        await chat.change_preferences(**changes)
    assert site.control.count("POST", "/settings") == before


async def test_change_that_is_not_kept_is_an_error(site, chat, everything):
    site.control.answer_next("/settings$", method="POST")
    with pytest.raises(SiteError, match="did not keep it: streamingMode is 'raw' now, not 'smooth'"):
        await chat.change_preferences(streaming_mode="smooth")


async def test_settings_nobody_knows_are_sent_back_as_they_were(site, chat, everything):
    unknown = {**EVERYTHING, "newKnob": {"a.b": [1, None]}, "nothing": None}
    for _ in range(2):
        site.control.answer_next("/user/settings$", body=json.dumps({"json": unknown}), method="GET")
    sent = []

    @chat.on("exchange")
    def note(event):
        if getattr(event.exchange, "method", "") == "POST" and event.exchange.url.endswith("/settings"):
            sent.append(json.loads(event.exchange.body))

    await chat.change_preferences(active_model=QWEN)
    await chat._traffic.wait_until_settled()
    assert sent == [{key: value for key, value in unknown.items() if value is not None}]


async def test_settings_of_another_shape_are_page_changed(site, chat):
    site.control.answer_next("/user/settings$", body='{"json":{"activeModel":7}}', method="GET")
    with pytest.raises(PageChanged):
        await chat.preferences()
