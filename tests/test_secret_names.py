"""What is secret because of its name: the same in errors, logs and reports, and on tapes."""

import json
import time

import pytest

from huggingchat_agent import redact
from huggingchat_agent.secret_names import find_spans
from huggingchat_agent.tape.mask import Mask

VALUE = "4SECRET9x"
NAMES = [
    *("password", "passwd", "pwd", "passphrase", "secret", "client_secret", "clientSecret", "token"),
    *("access_token", "accessToken", "refresh_token", "refreshToken", "id_token", "hf_token", "csrfToken"),
    *("api_key", "apiKey", "apikey", "x-api-key", "otp", "totp", "one_time_code", "sessionId", "session_id"),
    *("sid", "csrf", "hf-chat", "code_verifier", "authorization", "cookie"),
    *("secretKey", "aws_secret_access_key", "private_key", "credential", "jwt", "passcode", "otp_code"),
    *("mfaCode", "loginOtp", "userPwd", "recovery_code", "device_code", "JSESSIONID", "connect.sid"),
    *("XSRF-TOKEN", "_xsrf", "new_password", "passwordConfirm", "id_token_hint", "api.key"),
    *("pwd2", "secrets", "my_api_key", "X-Api-Key", "APIKey", "my-api-key", "API_KEY_2", "apiKeys"),
    *("backup_codes", "accessTokens", "credentials", "password_confirmation", "token_value", "ssh_key"),
]
# In the JSON of an app or a tool, these are words like others.
LOGGED_NAMES = ["signature", "X-Amz-Signature", "session", "auth", "pin", "pass", "SAMLResponse", "ticket"]
LOGGED = [
    *(f"{name}={VALUE}" for name in NAMES),
    *(f"http://x.org/p?a=1&{name}={VALUE}&b=2" for name in NAMES),
    *(f"http://x.org/p?next=%2Fq%3F{name}%3D{VALUE}%26b%3D2" for name in NAMES),
    *(json.dumps({"a": 1, name: VALUE}) for name in NAMES),
    *(json.dumps(json.dumps({name: VALUE})) for name in NAMES),
    *(str({name: VALUE}) for name in NAMES),
    *(f"{name}={VALUE}" for name in LOGGED_NAMES),
    *(f"http://x.org/p?{name}={VALUE}" for name in LOGGED_NAMES),
    *(f"{name}: {VALUE}" for name in NAMES if name != "cookie"),
    *(f"{{{name}: '{VALUE}'}}" for name in NAMES),
    *(f"--{name} {VALUE}" for name in NAMES),
    f"user[password]={VALUE}",
    f"next=%252Fq%253Ftoken%253D{VALUE}",
    f"Authorization: ApiKey {VALUE}",
    f"headers=[('authorization', 'Bearer {VALUE}')]",
    f"sent Bearer {VALUE}",
    f"ada:{VALUE}@host",
    f"proxy is ada:{VALUE}@10.0.0.1:3128",
    f"Authorization: Bearer {VALUE}",
    f"proxy-authorization: basic {VALUE}",
    f"Cookie: sid={VALUE}",
    f"set-cookie: a=1; b={VALUE}",
    f"postgres://user:{VALUE}@host/db",
    f"http://user:{VALUE}@host/",
    f"GET /callback?code={VALUE}&state={VALUE}",
    f"password=%21{VALUE}",
    f"curl -u ada:{VALUE} http://x.org",
    f"curl --user='ada:{VALUE}'",
    f"HF_TOKEN={VALUE} huggingchat ask",
    json.dumps({"accessTokens": [{"a": VALUE}]}),
]
# Secret by their shape, whatever stands before them.
SHAPES = [
    *("hf_AbCdEfGhIjKlMnOpQrStUv", "sk-proj-abc123def456ghi789jkl", "ghp_AbCdEfGhIjKlMnOpQrStUv12"),
    *("AKIAIOSFODNN7EXAMPLE", "glpat-abcDEF123456ghiJKL", "sk_live_abcDEF123456", "xoxb-123456789012-abc"),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----",
]
KEPT = [
    "exit code: 1; state: running",
    "The password: at least 8 characters, please",
    "Your token is not valid. State: unknown, code: rate_limit_exceeded",
    "This model takes at most 4096 tokens (code: 400); max_tokens=4096",
    '{"message": "Model is overloaded", "code": "model_overloaded", "tokens": "many"}',
    '{"type":"stream","token":"hello"}',
    '{"updates": [{"token": "word ", "type": "reasoning"}, {"type": "stream", "len": 5, "token": "x"}]}',
    "Give the password by --password or on stdin. The api_key: see the docs.",
    "Install npm:lodash@4.17.21 at 12:30 for user ada: done",
    "authorization: required, bearer tokens only",
    '{"signature": "f(x: int) -> int", "session": "morning", "pin": "top"}',
    "secretary=ada&compass=north&side=left",
    "The secret is: be kind. Your token 5 of 10, password 2 of 3, otp: off",
    "tokens=409600, completion_tokens: 12345678",
    '{"max_tokens": 409600, "tokens": [1234, 5678], "token": 5, "password": null, "otp": false}',
    '{"properties": {"password": {"type": "string", "title": "Password", "minLength": 1234}}}',
    "docker run -u 1000:1000 image",
    'if token == "x" and secret:',
    "task-3 is a risk-free hf_model of sk-learn; see eyJ and AKIA",
]


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    """Forget what other tests of this process made secret."""
    monkeypatch.setattr(redact, "_known", set())


def test_value_is_masked_wherever_text_goes():
    assert [text for text in LOGGED if VALUE in redact.text(text)] == []
    assert [text for text in LOGGED if VALUE in Mask().apply(text, "log")] == []


def test_value_in_a_body_of_json_is_masked():
    bodies = {name: json.dumps({"json": {name: VALUE, "kept": "word"}}) for name in NAMES}
    shown = {name: json.loads(Mask().apply(body, "json")) for name, body in bodies.items()}
    assert shown == {name: {"json": {name: redact.MASK, "kept": "word"}} for name in NAMES}
    pages = [Mask().apply(f"<script>load({json.dumps(body)})</script>", "page") for body in bodies.values()]
    assert [page for page in pages if VALUE in page or "kept" not in page] == []


@pytest.mark.parametrize(
    "value", [123456, -1234, 1.5e10, [VALUE], ["1234", 5678], {"a": {"b": VALUE}}], ids=str
)
@pytest.mark.parametrize("name", ["otp", "backup_codes", "clientSecret"])
def test_value_that_is_no_string_is_masked_and_the_body_stays_json(name, value):
    body = json.dumps({"a": {name: value, "kept": ["word"]}})
    shown = json.dumps({"a": {name: redact.MASK, "kept": ["word"]}})
    assert Mask().apply(body, "json") == Mask().apply(body, "log") == redact.text(body) == shown
    within = json.loads(Mask().apply(json.dumps(body), "page"))
    assert str(value) not in within and "kept" in within
    assert str(value) not in redact.text(str({name: value}))


def test_known_number_is_masked_and_the_body_stays_json():
    redact.Secret("83041796")
    assert json.loads(Mask().apply('{"x": 83041796, "y": "83041796"}', "json")) == {
        "x": redact.MASK,
        "y": redact.MASK,
    }


@pytest.mark.parametrize("value", SHAPES)
def test_token_of_a_known_service_is_masked_without_a_name(value):
    for text in (f"failed with {value}", f'{{"a": "{value}"}}', f"({value})"):
        assert value not in redact.text(text) and value not in Mask().apply(text, "log")
    said = json.dumps({"type": "finalAnswer", "text": f"It looks like {value}."})
    assert Mask().apply(said, "json") == said


@pytest.mark.parametrize("text", KEPT)
def test_words_are_kept(text):
    if '"pin"' not in text:
        assert redact.text(text) == text
        assert Mask().apply(text, "log") == text
    assert Mask().apply(text, "json") == text


def test_answer_of_a_model_that_speaks_of_secrets_is_kept():
    said = 'Set password=hunter2x and "token": "abc", "otp": 123456, "secrets": ["a"], then Cookie: sid=1.'
    for update in (
        {"type": "stream", "token": said},
        {"type": "finalAnswer", "text": said},
        {"type": "reasoning", "subtype": "stream", "token": said},
    ):
        line = json.dumps(update)
        assert Mask().apply(line, "json") == line


@pytest.mark.timeout(30)
def test_looking_takes_no_longer_for_what_only_begins_like_a_name():
    for text in (
        *("a-" * 100_000, '"' * 100_000, "password" * 20_000, '{"type":"stream","token":"' * 2_000),
        *("a." * 100_000, "\\" * 100_000, '{"secret":' * 30_000, '{"secret":{"type":"string","x":' * 10_000),
        *("secret:" * 30_000, '"secret":[' * 30_000, "--secret " * 30_000, "%25" * 100_000, "-u a:" * 30_000),
    ):
        began = time.process_time()
        Mask().apply(text, "log")
        assert time.process_time() - began < 2


def test_time_of_a_token_is_no_secret():
    event = '{"first_token": 0.5231456, "last_token": 12.75, "otp": 123456}'
    assert redact.mask(event, find_spans(event, "json")) == (
        '{"first_token": 0.5231456, "last_token": 12.75, "otp": "[redacted]"}'
    )


@pytest.mark.parametrize("name", ["openai-key", "OPENAI_KEY", "anthropicKey", "hf_key"])
def test_key_of_a_known_service_is_secret(name):
    assert "abc123def456" not in redact.text(f"{name}=abc123def456")
