"""What is taken out of texts before they are shown."""

from huggingchat_agent import redact
from huggingchat_agent.redact import Secret


def test_secret_does_not_show_itself():
    secret = Secret("correct horse battery")
    assert "horse" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "correct horse battery"


def test_text_masks_a_secret_in_every_spelling():
    Secret("pass word&1")
    for spelling in ("pass word&1", "pass%20word%261", "pass+word%261"):
        assert spelling not in redact.text(f"typed {spelling} there")


def test_text_masks_queries_of_addresses():
    shown = redact.text("at https://huggingface.co/chat/login/callback?code=abc123&state=xyz: failed")
    assert shown == "at https://huggingface.co/chat/login/callback?…: failed"


def test_text_masks_mail_addresses_and_keyed_values():
    shown = redact.text('ada@example.org sent "token": "hf_abcdef" and cookie=xyz')
    assert "ada@example.org" not in shown
    assert "hf_abcdef" not in shown
    assert "xyz" not in shown


def test_remembered_cookies_are_masked():
    redact.remember("6f0b5c1e-session")
    assert "6f0b5c1e" not in redact.text("cookie jar: 6f0b5c1e-session!")


def test_address_loses_user_and_query():
    assert redact.address("https://ada:secret@example.org:8443/x?y=1#z") == "https://example.org:8443/x?…"
