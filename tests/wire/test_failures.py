import html
import json
from typing import Any

import pytest

from huggingchat_agent import errors
from huggingchat_agent.wire.failures import from_response, from_update
from huggingchat_agent.wire.updates import Errored
from tests.wire.recordings import fold, read_endpoint, read_streams, split_lines


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("You have exceeded your monthly included credits", 402, errors.CreditsExhausted),
        ("402 upstream failure", None, errors.CreditsExhausted),
        ("The OAuth authorization is gone", 401, errors.SessionRejected),
        ("Your access has been revoked", 401, errors.SessionRejected),
        ("token lacks the requested scopes", 401, errors.SessionRejected),
        ("The model's key has been revoked", 500, errors.GenerationFailed),
        ("401 upstream failure", 401, errors.GenerationFailed),
        ("429 upstream failure", 429, errors.RateLimited),
        ("429 upstream failure", None, errors.RateLimited),
        ("Model is overloaded", None, errors.RateLimited),
        ("Too much traffic, please try again.", 503, errors.RateLimited),
        ("The model is currently overloaded", 503, errors.RateLimited),
        ("No output was generated. Something went wrong.", None, errors.GenerationFailed),
        ("terminated", None, errors.GenerationFailed),
        (None, None, errors.GenerationFailed),
    ],
)
def test_error_in_a_stream_is_of_its_class_and_keeps_the_sentence(message, status, kind):
    error = from_update(Errored(message, status), conversation_id="6b01", partial="so far")
    assert type(error) is kind
    assert (message or "no reason") in str(error)
    if isinstance(error, errors.ChatError):
        assert (error.conversation_id, error.partial) == ("6b01", "so far")


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached. Please try again in 12.5s.", 12.5),
        ("429 slow down, retry after 30 seconds", 30.0),
        ("Model is overloaded, try again in 2 minutes", 120.0),
        ("429 try again in a while", None),
        ("429 try again in 3 splines", None),
    ],
)
def test_wait_that_a_sentence_names_is_reported(message, seconds):
    error = from_update(Errored(message, 429))
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == seconds
    before = from_response(429, "text/plain", message.encode(), {})
    assert isinstance(before, errors.RateLimited)
    assert before.retry_after == seconds


def test_error_in_a_stream_keeps_its_status():
    for error in (Errored("500 upstream failure"), Errored("upstream failure", 500)):
        failure = from_update(error)
        assert isinstance(failure, errors.GenerationFailed)
        assert failure.status == 500


RECORDED = {
    "credits-exhausted": errors.CreditsExhausted,
    "upstream-rate-limit": errors.RateLimited,
    "upstream-error": errors.GenerationFailed,
    "authorization-revoked": errors.GenerationFailed,
    "connection-dropped": errors.GenerationFailed,
}


@pytest.mark.parametrize("stream", [each for each in read_streams() if each.scenario in RECORDED], ids=str)
def test_recorded_error_is_of_its_class(stream):
    turn, _ = fold(split_lines(stream.body))
    assert turn.error is not None
    assert type(from_update(turn.error)) is RECORDED[stream.scenario]


def error_page(status, sentence):
    """As the app and the servers before it write one."""
    return (
        f"<!doctype html><html><head><title>{status}</title><style>p {{ color: red }}</style></head><body>"
        f"<h1>{status}</h1><p>{html.escape(sentence)}</p><script>let page = 1;</script></body></html>"
    ).encode()


def said(sentence):
    return json.dumps({"message": sentence}).encode()


MINUTE = "You are sending too many messages. Try again later."
FULL = "This conversation has more than 100 messages. Start a new one to continue"


@pytest.mark.parametrize(
    ("status", "sentence", "kind"),
    [
        (400, "Invalid request", errors.GenerationFailed),
        (400, "Message too long.", errors.GenerationFailed),
        (400, "Invalid model", errors.UnknownModel),
        (400, "Can't start a conversation with an unlisted model", errors.UnknownModel),
        (401, "You have to be logged in.", errors.SessionRejected),
        (403, "You don't have access to this conversation.", errors.ChatError),
        (404, "Conversation not found.", errors.ChatError),
        (410, "Model not available anymore", errors.UnknownModel),
        (413, "Payload too large", errors.ChatError),
        (429, MINUTE, errors.RateLimited),
        (429, FULL, errors.ConversationTooLong),
        (
            429,
            "You have reached the maximum number of conversations. Delete some to continue.",
            errors.ChatError,
        ),
        (429, "Exceeded number of messages before login", errors.SessionRejected),
        (500, "An error occurred", errors.GenerationFailed),
        (502, "Bad gateway", errors.GenerationFailed),
    ],
)
def test_error_answer_is_of_its_class_whatever_its_form(status, sentence, kind):
    for content_type, body in (
        ("application/json", said(sentence)),
        ("application/json; charset=utf-8", json.dumps({"error": sentence}).encode()),
        ("text/plain", sentence.encode()),
        ("text/plain; charset=utf-8", f"{sentence}\n".encode()),
        ("text/html", error_page(status, sentence)),
    ):
        error = from_response(status, content_type, body, {}, conversation_id="6b01", partial="so far")
        assert type(error) is kind
        assert sentence in str(error)
        if isinstance(error, errors.ChatError):
            assert (error.status, error.conversation_id, error.partial) == (status, "6b01", "so far")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        (
            {"retry-after": "Sat, 21 Nov 2026 09:01:00 GMT", "date": "Sat, 21 Nov 2026 09:00:00 GMT"},
            60.0,
        ),
        (
            {"retry-after": "Sat, 21 Nov 2026 08:00:00 GMT", "date": "Sat, 21 Nov 2026 09:00:00 GMT"},
            0.0,
        ),
        ({"retry-after": "Sat, 21 Nov 2026 09:01:00 GMT"}, None),
        ({"retry-after": "soon", "date": "today"}, None),
        ({}, None),
    ],
)
def test_rate_limit_says_how_long_to_wait(headers, seconds):
    error = from_response(429, "application/json", said(MINUTE), headers)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == seconds


def test_sign_in_page_is_a_rejected_session():
    page = read_endpoint("2026-08", "create", "endpoints-signed-out")
    assert (
        type(from_response(page["status"], page["type"], page["body"].encode(), {})) is errors.SessionRejected
    )
    form = b'<html><form><input name="password" type="password"></form></html>'
    assert type(from_response(200, "text/html", form, {})) is errors.SessionRejected


def test_failing_sign_in_page_is_a_failure():
    form = b"<html><title>Log in</title></html>"
    assert type(from_response(503, "text/html", form, {})) is errors.GenerationFailed


def test_other_page_in_place_of_data_is_a_changed_page():
    page = read_endpoint("2025-04", "models")
    assert type(from_response(page["status"], page["type"], page["body"].encode(), {})) is errors.PageChanged
    assert type(from_response(200, "", b"", {})) is errors.PageChanged


def test_html_sign_in_refusal_keeps_the_sentence():
    error = from_response(401, "text/html", error_page(401, "You have to be logged in."), {})
    assert type(error) is errors.SessionRejected
    assert "You have to be logged in." in str(error)


def test_recorded_refusals_are_of_their_class():
    for generation in ("2026-08", "2025-04"):
        bad = read_endpoint(generation, "create_bad_model")
        error = from_response(bad["status"], bad["type"], bad["body"].encode(), {})
        assert "Invalid request" in str(error)
        missing = read_endpoint(generation, "post_missing")
        error = from_response(missing["status"], missing["type"], missing["body"].encode(), {})
        assert type(error) is errors.ChatError
    signed_out = read_endpoint("2025-04", "create", "endpoints-signed-out")
    error = from_response(signed_out["status"], signed_out["type"], signed_out["body"].encode(), {})
    assert type(error) is errors.SessionRejected


@pytest.mark.parametrize("header", ["x-amzn-waf-action", "cf-mitigated"])
def test_challenge_is_recognized_by_its_header(header):
    for status in (202, 403, 405):
        error = from_response(status, "text/html", b"<html>", {header: "challenge"})
        assert type(error) is errors.ChallengePresented


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html><title>502 Bad Gateway</title></html>", "502 Bad Gateway"),
        (b"<h1 class=x>Sorry</h1>", "Sorry"),
        (b"<title>502</title><center><h1>502</h1></center><hr><center>nginx</center>", "502 - nginx"),
        (b"<style>x</style><script>y</script>", "an HTML page"),
        (b"<p>Too <b>many</b>\n requests", "Too many requests"),
        (b"", "an HTML page"),
    ],
)
def test_html_error_is_reported_by_what_a_person_would_read(body, sentence):
    assert sentence in str(from_response(502, "text/html", body, {}))


def test_body_that_says_nothing_still_makes_a_sentence():
    assert str(from_response(500, "application/json", b"", {})).endswith("The app said: nothing")
    assert len(str(from_response(500, "text/plain", b"x" * 100_000, {}))) < 1100


@pytest.mark.parametrize("status", [404, 500])
def test_conversation_that_is_gone_is_status_404_whatever_the_build_says(status):
    body = b'{"message":"Conversation not found."}'
    error = from_response(status, "application/json", body, {}, conversation_id="c")
    assert type(error) is errors.ChatError
    assert error.status == 404


def test_page_of_the_app_is_no_part_of_a_sentence():
    page = b"<html><title>HuggingChat</title>" + b"".join(b"<p>Piece %d of it</p>" % n for n in range(50))
    error = from_response(500, "text/html", page, {})
    assert error.message == "The request failed (500). The app said: HuggingChat"


def test_answer_that_is_too_large_is_a_file_that_was_refused_only_where_one_was_sent():
    answer: Any = (413, "text/plain", b"File too large, should be <10MB", {})
    refused = from_response(*answer, with_files=True)
    assert isinstance(refused, errors.FileRejected) and "files are too large" in refused.message
    assert "file" not in str(from_response(413, "text/plain", b"Too much", {}))
