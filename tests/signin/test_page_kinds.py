"""Recognizing pages of a sign-in: a table of pages as real sites make them."""

import pytest

from huggingchat_agent.site.signin.page_kinds import find_sign_in_buttons, recognize
from huggingchat_agent.site.signin.page_view import Button, Field, PageView

APP = "https://chat.example.org/chat"
HUB = "https://hub.example.org"


def page(address=f"{HUB}/login", *, fields=(), buttons=(), **more):
    """`fields` and `buttons` in the order of the page; the n-th gets the index n."""
    return PageView(
        address=address,
        fields=tuple(Field(**{"index": n, **each}) for n, each in enumerate(fields)),
        buttons=tuple(Button(**{"index": n, **each}) for n, each in enumerate(buttons)),
        **more,
    )


USER = {"about": "username", "autocomplete": "username", "form": 0}
PASSWORD = {"kind": "password", "autocomplete": "current-password", "form": 0}
CODE = {"about": "authentication code", "autocomplete": "one-time-code", "form": 0}
LOGIN = {"name": "Login", "submits": True, "form": 0}
ALLOW = {"name": "Authorize", "submits": True, "form": 0}
CANCEL = {"name": "Cancel", "submits": True, "key": "cancel", "form": 0}
DIGIT = {"length": 1, "mode": "numeric"}

PAGES = [
    ("app", "home", page(f"{APP}/", composer=True)),
    ("app", "home without a slash", page(APP, composer=True)),
    ("app", "a conversation", page(f"{APP}/conversation/1", composer=True)),
    ("app", "home with a search field", page(APP, composer=True, fields=[{"about": "search your account"}])),
    ("error", "the app is broken", page(f"{APP}/", composer=True, status=500)),
    ("error", "callback that failed", page(f"{APP}/login/callback", status=403, composer=True)),
    ("error", "callback that says 200", page(f"{APP}/login/callback", composer=True)),
    ("unknown", "home that has nothing yet", page(f"{APP}/")),
    ("unknown", "another app beside ours", page("https://chat.example.org/chatter", composer=True)),
    ("loading", "half a page", page(loading=True, fields=[USER, PASSWORD])),
    ("form", "both fields", page(fields=[USER, PASSWORD], buttons=[LOGIN])),
    ("form", "an e-mail first", page(fields=[{"kind": "email"}], buttons=[{"name": "Next"}])),
    ("form", "a field called a handle", page(fields=[{"about": "your handle", "form": 0}, PASSWORD])),
    ("form", "the password alone", page(fields=[PASSWORD], buttons=[LOGIN])),
    ("form", "with a watchful captcha", page(fields=[USER, PASSWORD], buttons=[LOGIN], captcha=True)),
    ("form", "refused with 400", page(fields=[USER, PASSWORD], status=400, alert="Invalid password")),
    ("form", "code on the same page", page(fields=[USER, PASSWORD, CODE], buttons=[LOGIN])),
    (
        "second_factor",
        "one field",
        page(fields=[CODE], buttons=[{"name": "Verify", "submits": True, "form": 0}]),
    ),
    ("second_factor", "six fields", page(fields=[DIGIT] * 6)),
    ("second_factor", "by its name", page(fields=[{"about": "otp", "kind": "tel"}])),
    ("second_factor", "without a name", page(fields=[{"mode": "numeric"}])),
    ("second_factor", "hidden digits", page(fields=[{"kind": "password", "autocomplete": "one-time-code"}])),
    (
        "second_factor",
        "sent by e-mail",
        page(fields=[CODE], heading="Check your email", text="We sent a code"),
    ),
    (
        "consent",
        "allow and cancel",
        page(buttons=[CANCEL, ALLOW], heading="App wants to access your account"),
    ),
    (
        "consent",
        "for an e-mail address",
        page(buttons=[ALLOW, CANCEL], text="It may confirm your email address"),
    ),
    ("consent", "allow alone", page(buttons=[ALLOW], text="The app would like to read your name")),
    ("consent", "no form", page(buttons=[{"name": "No thanks"}, {"name": "Yes, let it in"}])),
    ("consent", "another language", page(buttons=[CANCEL, ALLOW | {"name": "Zulassen"}])),
    ("challenge", "captcha", page(captcha=True, buttons=[{"name": "Begin"}], status=405)),
    ("challenge", "firewall", page(title="Just a moment...", status=403)),
    ("challenge", "by its heading", page(heading="Let's confirm you are human")),
    ("challenge", "captcha that can be continued", page(captcha=True, buttons=[{"name": "Continue"}])),
    ("confirmation", "link sent", page(heading="Check your inbox", buttons=[{"name": "Send again"}])),
    (
        "confirmation",
        "with a field for another",
        page(heading="Confirm your email", fields=[{"kind": "email"}]),
    ),
    (
        "confirmation",
        "in its text",
        page(heading="Almost there", text="Please verify your email address first"),
    ),
    ("error", "refused", page(f"{HUB}/oauth/authorize", status=400, heading="Bad request")),
    ("unknown", "nothing yet", page()),
    (
        "unknown",
        "a new password is wanted",
        page(fields=[{"kind": "password", "autocomplete": "new-password"}]),
    ),
    ("unknown", "only a button", page(buttons=[{"name": "Help"}])),
]


@pytest.mark.parametrize(
    ("kind", "seen"),
    [(kind, seen) for kind, _, seen in PAGES],
    ids=[f"{kind}: {id}" for kind, id, _ in PAGES],
)
def test_page_is_recognized(kind, seen):
    assert recognize(seen, APP).kind == kind


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("app", "https://chat.example.org/"),
        ("error", "https://chat.example.org/login/callback"),
        ("unknown", f"{HUB}/"),
    ],
)
def test_page_of_an_app_under_the_root_is_recognized(kind, address):
    assert recognize(page(address, composer=True), "https://chat.example.org").kind == kind


def test_form_names_its_fields_and_the_button_that_sends_it():
    search = {"about": "search", "form": 1}
    find = {"name": "Find", "submits": True, "form": 1}
    step = recognize(page(fields=[search, USER, PASSWORD], buttons=[find, CANCEL, LOGIN]), APP)
    assert [each and each.index for each in (step.user, step.password, step.button)] == [1, 2, 2]


def test_consent_names_the_button_that_lets_through():
    for buttons in ([CANCEL, ALLOW], [ALLOW, CANCEL]):
        step = recognize(page(buttons=buttons), APP)
        assert step.button is not None and step.button.name == "Authorize"


def test_phone_number_is_no_code():
    assert recognize(page(fields=[{"about": "phone number", "mode": "numeric"}]), APP).kind == "unknown"


def test_button_is_unique_by_role_and_name():
    seen = page(buttons=[{"name": "Continue"}, {"name": "Continue"}, {"name": "Back"}, {"name": ""}])
    assert [seen.is_unique(each) for each in seen.buttons] == [False, False, True, False]


@pytest.mark.parametrize("dialog_first", [True, False])
def test_sign_in_begins_with_the_button_that_nothing_covers(dialog_first):
    """The server puts the dialog before the page, and the page's scripts behind it."""
    dialog = [{"name": "Sign in with Hugging Face", "submits": True, "form": 0}]
    behind = [{"name": "Toggle theme"}, {**LOGIN, "covered": True}]
    seen = page(APP, buttons=dialog + behind if dialog_first else behind + dialog)
    names = [each.name for each in find_sign_in_buttons(seen, APP)]
    assert names == ["Sign in with Hugging Face", "Login"]
