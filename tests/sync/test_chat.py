"""The facade without async, on the stand-in site."""

import gc
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from fixtures.site import StandIn
from huggingchat_agent import sync
from huggingchat_agent.errors import GenerationFailed, SettingsError, UsageError
from tests.quick import QUICK
from tests.signed_in import save_session

LONG = "count 3000 every 10"
TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"


def test_chat_refuses_a_wrong_setting_before_anything_is_opened():
    with pytest.raises(SettingsError, match="engine"):
        sync.HuggingChat(engine="lynx")


def test_chat_says_how_to_open_it_when_it_is_not_open():
    with pytest.raises(UsageError, match="with HuggingChat"):
        sync.HuggingChat().models()


def test_chat_closes_without_having_been_opened():
    sync.HuggingChat().close()


def test_async_handler_is_refused():
    async def handler(event):
        raise AssertionError

    with pytest.raises(UsageError, match="async"):
        sync.HuggingChat().on("token", handler)


def test_unknown_event_is_refused():
    with pytest.raises(ValueError, match="no event"):
        sync.HuggingChat().on("tokens", lambda event: None)


@pytest.fixture(scope="module")
def stand_in():
    with StandIn(echo_pause=0.001, **QUICK) as site:
        yield site


@pytest.fixture(scope="module")
def chat(stand_in, tmp_path_factory):
    """One for all tests here; each makes conversations of its own."""
    home = save_session(stand_in, tmp_path_factory.mktemp("state"))
    with sync.HuggingChat(
        base_url=stand_in.url, home=home, username="ada", password="correct horse", via="page"
    ) as chat:
        assert chat.login().username == "ada"
        yield chat


def is_interrupted(stand_in, conversation):
    return stand_in.control.conversation(conversation.id)["messages"][-1].get("interrupted") is True


@pytest.mark.browser
def test_models_and_status_are_what_the_app_says(chat):
    assert chat.status().username == "ada"
    assert "meta-llama/Llama-3.3-70B-Instruct" in {model.id for model in chat.models()}


@pytest.mark.browser
def test_result_is_the_answer_that_the_server_stores(chat, stand_in):
    conversation = chat.new_conversation(model="qwen", system_prompt="Be brief.")
    answer = conversation.send("hello").result()
    stored = stand_in.control.conversation(conversation.id)
    assert answer.text == stored["messages"][-1]["content"]
    assert (stored["model"], stored["preprompt"]) == (conversation.model, "Be brief.")
    assert conversation.read().active_leaf().id == answer.message_id


@pytest.mark.browser
def test_conversations_are_listed_changed_shared_and_deleted(chat, stand_in):
    made = [chat.new_conversation() for _ in range(3)]
    listed = chat.conversations()
    assert next(listed).id == made[-1].id
    assert {each.id for each in made} <= {each.id for each in chat.conversations()}
    made[0].rename("another title")
    made[0].change_model("qwen")
    stored = stand_in.control.conversation(made[0].id)
    assert (stored["title"], stored["model"]) == ("another title", made[0].model)
    copy = chat.import_share(made[0].share())
    assert copy.id != made[0].id and "# another title" in copy.export()
    chat.delete_conversations(made, confirmed=3)
    assert {each["id"] for each in stand_in.control.conversations()} & {each.id for each in made} == set()
    assert all(each.deleted for each in made)


@pytest.mark.browser
def test_preferences_are_changed(chat):
    before = chat.preferences()
    after = chat.change_preferences(system_prompts={"qwen": "Look."})
    assert after.system_prompt("Qwen/Qwen2.5-VL-7B-Instruct") == "Look."
    # The app updates the time at which the welcome was seen with each change.
    assert chat.change_preferences(system_prompts={"qwen": None}).system_prompts == before.system_prompts


@pytest.mark.browser
def test_iterators_give_every_event_from_the_first_while_the_answer_comes(chat, stand_in):
    reply = chat.new_conversation().send("hold 4")
    tokens = []
    for event in reply:
        if event.name == "started":
            stand_in.control.release(upto=0)
        if event.name == "token":
            tokens.append(event.text)
            if len(tokens) < 4:
                stand_in.control.release(upto=len(tokens))  # the next token is made only now
    assert len(tokens) == 4
    assert [event.seq for event in reply] == [*range(1, len(reply.events) + 1)]
    assert [event.text for event in reply if event.name == "token"] == tokens


@pytest.mark.browser
def test_handlers_run_in_the_calling_thread_and_miss_nothing(chat):
    conversation = chat.new_conversation()
    seen = []

    def note(where):
        return lambda event: seen.append((where, event.seq, threading.get_ident()))

    reply = conversation.send("hello you")
    # Subscribed after the sending began, and before anything was waited for.
    everywhere = note("chat")
    reply.on("token", note("reply"))
    conversation.on("token", note("conversation"))
    chat.on("token", everywhere)
    reply.once("finished", lambda event: seen.append(("finished", event.seq, threading.get_ident())))
    answer = reply.result()
    chat.off("token", everywhere)
    tokens = [event.seq for event in reply if event.name == "token"]
    me = threading.get_ident()
    expected = [(where, seq, me) for seq in tokens for where in ("reply", "conversation", "chat")]
    assert seen == [*expected, ("finished", reply.events[-1].seq, me)]
    assert answer.text == reply.text


@pytest.mark.browser
def test_handler_that_raises_is_reported_and_stops_nothing(chat, caplog):
    reply = chat.new_conversation().send("hello")
    failures: list[Any] = []
    reply.on("handler_failed", failures.append)

    @reply.on("started")
    def broken(event):
        raise ZeroDivisionError("on purpose")

    assert reply.result().text.startswith("You said: hello")
    assert [(each.handled, type(each.error)) for each in failures] == [("started", ZeroDivisionError)]
    assert "broken" in failures[0].handler
    assert "on purpose" in caplog.text


@pytest.mark.browser
def test_handler_may_use_the_chat_itself(chat, stand_in):
    conversation = chat.new_conversation()
    reply = conversation.send(LONG)

    @reply.on("token")
    def enough(event):
        if event.text.startswith("5@"):
            reply.stop()

    answer = reply.result()
    assert answer.interrupted and is_interrupted(stand_in, conversation)


@pytest.mark.browser
def test_leaving_the_block_early_stops_the_run_on_the_server(chat, stand_in):
    conversation = chat.new_conversation()
    with conversation.send(LONG) as reply:
        for event in reply:
            if event.name == "token":
                break
        assert not reply.done
    assert reply.done and is_interrupted(stand_in, conversation)
    with pytest.raises(UsageError, match="empty"):
        conversation.send(" ")


@pytest.mark.browser
def test_interrupt_while_waiting_stops_the_run_on_the_server(chat, stand_in):
    conversation = chat.new_conversation()
    reply = conversation.send(LONG)
    reply.once("token", lambda event: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        reply.result()
    assert reply.done and is_interrupted(stand_in, conversation)
    assert reply.result().interrupted


@pytest.mark.browser
def test_result_may_be_asked_again_when_the_time_was_over(chat, stand_in):
    reply = chat.new_conversation().send("hold 1")
    with pytest.raises(TimeoutError):
        reply.result(timeout=0.2)
    assert not reply.done
    stand_in.control.release()
    assert reply.result(timeout=30).text.startswith("0@")


@pytest.mark.browser
def test_failed_reply_raises_and_iterates_to_its_end(chat):
    reply = chat.new_conversation().send("die 2")
    assert [*reply][-1].name == "failed"
    with pytest.raises(GenerationFailed) as caught:
        reply.result()
    assert caught.value.partial == "tok0 tok1 "


@pytest.mark.browser
def test_two_threads_hold_two_conversations_at_once(chat):
    answers = {}

    def talk(name):
        answers[name] = chat.new_conversation().send(f"count 20 every 5, {name}").result().text

    talking = [threading.Thread(target=talk, args=(name,)) for name in ("one", "other")]
    for each in talking:
        each.start()
    for each in talking:
        each.join()
    assert {len(text.split()) for text in answers.values()} == {20}


@pytest.mark.browser
def test_temporary_conversation_is_deleted_at_the_end_of_its_block(chat, stand_in):
    with chat.new_conversation(temporary=True) as conversation:
        conversation.send("hello").result()
    assert conversation.deleted
    assert conversation.id not in {each["id"] for each in stand_in.control.conversations()}


@pytest.mark.browser
async def test_facade_works_beside_a_running_loop(chat):
    assert chat.new_conversation().send("hello").result().text.startswith("You said: hello")


def test_conversation_is_one_object_until_it_is_deleted(tmp_path):
    with sync.HuggingChat(replay=TAPE, home=tmp_path) as chat:
        first = weakref.ref(chat.conversation("6" * 24))
        inner = chat.conversation("6" * 24)._inner
        listening = len(inner._subscribed["token"])
        gc.collect()
        for _ in range(10):
            assert chat.conversation("6" * 24) is first()
        assert len(inner._subscribed["token"]) == listening == 1
        chat._inner._forget(inner)
        del inner
        gc.collect()
        assert first() is None


@pytest.mark.browser
def test_exchanges_reach_those_who_ask_for_them(chat):
    seen: list[Any] = []
    chat.on("exchange", seen.append)
    chat.models(refresh=True)
    chat.off("exchange", seen.append)
    assert any("/api/v2/models" in getattr(each.exchange, "url", "") for each in seen)


UNCLOSED = """
from huggingchat_agent.sync import HuggingChat

chat = HuggingChat()
chat.open()
reply = chat.new_conversation().send("count 3000 every 10", via="page")
next(iter(reply))
print("left", flush=True)
"""


@pytest.mark.browser
def test_interpreter_ends_and_closes_a_chat_that_was_left_open(tmp_path):
    with StandIn("", login=False) as site:
        environment = {"HUGGINGCHAT_BASE_URL": site.url, "HUGGINGCHAT_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", UNCLOSED], env=environment, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stdout) == (0, "left\n")
        assert done.stderr.startswith("A HuggingChat was left open") and "Traceback" not in done.stderr
        assert not site.control.running


GOOD = {"name": "Ada", "age": 36, "colour": "blue"}


@pytest.mark.browser
def test_question_of_a_tool_is_answered_while_the_reply_is_iterated(chat):
    conversation = chat.new_conversation()
    reply = conversation.send("ask me form 60")
    for event in reply:
        if event.name == "elicitation":
            assert conversation.elicitation(event).answer(GOOD) is None
    assert "accept name=Ada" in reply.result().text


@pytest.mark.browser
def test_parked_question_is_answered_with_a_reply(chat):
    conversation = chat.new_conversation()
    parked = conversation.send("ask me form").result()
    assert parked.finish_reason == "elicitation"
    (request,) = conversation.elicitations()
    assert request.question.server == "Mock"
    answer = request.answer(GOOD).result()
    assert answer.message_id == parked.message_id
    assert "accept name=Ada" in answer.text


@pytest.mark.browser
def test_tools_are_listed_and_chosen(chat, stand_in):
    assert [tool.name for tool in chat.tools()] == ["Mock"]
    conversation = chat.new_conversation()
    conversation.send("hello", tools=[]).result()
    assert stand_in.control.heard[-1]["tools"] == []


@pytest.mark.browser
def test_batch_is_a_plain_loop_and_leaving_it_ends_what_is_under_way(chat, stand_in):
    results = {each.id: each for each in sync.batch(["one", "two", "three"], chat=chat, concurrency=2)}
    assert [results[each].text.partition(" [")[0] for each in "123"] == [
        f"You said: {word}" for word in ("one", "two", "three")
    ]
    left = sync.batch(["quick", LONG], chat=chat, concurrency=2)
    assert next(left).id == "1"
    left.close()
    stand_in.control.wait_until_idle()
    assert chat.conversation(results["1"].conversation_id).read().title
