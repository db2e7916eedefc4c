import json

import pytest

from huggingchat_agent import errors
from huggingchat_agent.wire.failures import from_response, from_update
from huggingchat_agent.wire.updates import Errored
from tests.wire.recordings import endpoint, fold, lines_of, streams


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


@pytest.mark.parametrize("stream", [each for each in streams() if each.scenario in RECORDED], ids=str)
def test_recorded_error_is_of_its_class(stream):
    turn, _ = fold(lines_of(stream.body))
    assert turn.error is not None
    assert type(from_update(turn.error)) is RECORDED[stream.scenario]


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
        (413, "File too large, should be <10MB", errors.FileRejected),
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
    ):
        error = from_response(status, content_type, body, {}, conversation_id="6b01", partial="so far")
        assert type(error) is kind
        assert sentence in str(error)
        if isinstance(error, errors.ChatError):
            assert (error.conversation_id, error.partial) == ("6b01", "so far")
        if isinstance(error, errors.GenerationFailed):
            assert error.status == status


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
    page = endpoint("2026-08", "create", "endpoints-signed-out")
    assert (
        type(from_response(page["status"], page["type"], page["body"].encode(), {})) is errors.SessionRejected
    )
    form = b'<html><form><input name="password" type="password"></form></html>'
    assert type(from_response(200, "text/html", form, {})) is errors.SessionRejected


def test_failing_sign_in_page_is_a_failure():
    form = b"<html><title>Log in</title></html>"
    assert type(from_response(503, "text/html", form, {})) is errors.GenerationFailed


def test_other_page_in_place_of_data_is_a_changed_page():
    page = endpoint("2025-04", "models")
    assert type(from_response(page["status"], page["type"], page["body"].encode(), {})) is errors.PageChanged
    assert type(from_response(200, "", b"", {})) is errors.PageChanged


def test_recorded_refusals_are_of_their_class():
    for generation in ("2026-08", "2025-04"):
        bad = endpoint(generation, "create_bad_model")
        error = from_response(bad["status"], bad["type"], bad["body"].encode(), {})
        assert "Invalid request" in str(error)
        missing = endpoint(generation, "post_missing")
        error = from_response(missing["status"], missing["type"], missing["body"].encode(), {})
        assert type(error) is errors.ChatError
    signed_out = endpoint("2025-04", "create", "endpoints-signed-out")
    error = from_response(signed_out["status"], signed_out["type"], signed_out["body"].encode(), {})
    assert type(error) is errors.SessionRejected


@pytest.mark.parametrize("header", ["x-amzn-waf-action", "cf-mitigated"])
def test_challenge_is_told_by_its_header(header):
    for status in (202, 403, 405):
        error = from_response(status, "text/html", b"<html>", {header: "challenge"})
        assert type(error) is errors.ChallengePresented


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html><title>502 Bad Gateway</title></html>", "502 Bad Gateway"),
        (b"<h1 class=x>Sorry</h1>", "Sorry"),
        (b"\xff", "an HTML page"),
    ],
)
def test_html_error_is_told_by_its_title(body, sentence):
    assert sentence in str(from_response(502, "text/html", body, {}))


def test_body_that_says_nothing_still_makes_a_sentence():
    assert str(from_response(500, "application/json", b"", {})).endswith("The app said: nothing")
    assert len(str(from_response(500, "text/plain", b"x" * 100_000, {}))) < 1100
