"""Recognizes the page of a sign-in from its view. No I/O.

It looks at meaning: the purpose of a field (autocomplete, type, names), the name of a button, the words of
the page. It knows neither a site's ids nor the order of its pages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from huggingchat_agent.origin import is_within
from huggingchat_agent.site.signin.page_view import Button, Field

if TYPE_CHECKING:
    from huggingchat_agent.site.signin.page_view import PageView

Kind = Literal[
    "loading", "app", "form", "second_factor", "consent", "challenge", "confirmation", "error", "unknown"
]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A page, and its relevant fields and button. An `unknown` page may still change; an `error` will not."""

    kind: Kind
    user: Field | None = None
    password: Field | None = None
    code: tuple[Field, ...] = ()
    button: Button | None = None

    @property
    def asks(self) -> tuple[object, ...]:
        """The kind and the fields. Equal for two pages that differ only in words."""
        return (self.kind, self.user is None, self.password is None, len(self.code))


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_USER = _compile(r"user.?name|user.?id|\blogin\b|e-?mail|\baccount|identifier")
_CODE = _compile(
    r"one.?time|\b[mt]?otp\b|\b[2m]fa\b|passcode|security.?code|verification|authenticat|two.?factor|\bcode\b"
)
_NO_CODE = _compile(r"phone|mobile|zip|postal|post.?code|invit|promo|coupon|country|area")
_HUMAN = _compile(
    r"just a moment|attention required|human verification|(you are|you're) (a )?human"
    r"|are you (a )?(human|robot)|not a robot|unusual traffic|checking your browser"
    r"|security (check|verification)"
)
_CONFIRM = _compile(
    r"(confirm|verify|activate|validate)\b.{0,30}\b(e-?mail|account)|check your (e-?mail|inbox)"
    r"|(e-?mail|link).{0,60}\b(sent|inbox)\b|\bsent\b.{0,60}\b(e-?mail|link)\b"
    r"|e-?mail .{0,20}not .{0,10}confirmed"
)
_LETS = _compile(r"^(allow|authori[sz]e|accept|approve|i? ?agree|grant|permit|continue|yes|confirm)\b")
_REFUSES = _compile(
    r"^(cancel|deny|decline|refuse|reject|no\b|not now|do not|don.?t|disagree|back|log ?out|sign ?out)"
    r"|^(switch|use )"
)
_STARTS = _compile(r"^(log|sign) ?in\b")
_ASKS = _compile(r"access|permission|authori[sz]|consent|wants? to|would like|allow")


def recognize(seen: PageView, base_url: str) -> Step:
    """The kind of page. `base_url` is the app's address."""
    if seen.loading:
        return Step(kind="loading")
    password = next((each for each in seen.fields if _is_password(each)), None)
    if _is_in_app(seen.address, base_url) and seen.composer and password is None:
        return Step(kind="error" if seen.status >= 400 else "app")
    code = _find_code_fields(seen)
    if code and password is None:
        return Step(kind="second_factor", code=code, button=_find_submit_button(seen, code[0]))
    says = f"{seen.title} {seen.heading}"
    user = _find_user_field(seen, password)
    if password is None and _HUMAN.search(says):
        return Step(kind="challenge")
    if password is None and seen.captcha and user is None:
        return Step(kind="challenge")
    if password is None and _CONFIRM.search(says):
        return Step(kind="confirmation")
    if password is not None or user is not None:
        return Step(
            kind="form",
            user=user,
            password=password,
            code=code,
            button=_find_submit_button(seen, password or user),
        )
    if lets := _find_consent_button(seen):
        return Step(kind="consent", button=lets)
    if _CONFIRM.search(seen.text):
        return Step(kind="confirmation")
    return Step(kind="error" if seen.status >= 400 or _is_login_path(seen.address, base_url) else "unknown")


def is_silent_login(seen: PageView, base_url: str) -> bool:
    """Whether the app's /login led nowhere: in builds before June 2025 only a button of its pages begins a
    sign-in.
    """
    at_login = _is_login_path(seen.address, base_url) and seen.address.rstrip("/").endswith("/login")
    return at_login and recognize(seen, base_url).kind == "error"


def find_sign_in_buttons(seen: PageView, base_url: str) -> list[Button]:
    """The buttons of an app's page that begin a sign-in. What a dialog covers comes last."""
    if not _is_in_app(seen.address, base_url):
        return []
    found = [each for each in reversed(seen.buttons) if each.submits and _STARTS.search(each.name)]
    return sorted(found, key=lambda each: each.covered)


def _is_password(field: Field) -> bool:
    return field.kind == "password" and not {"one-time-code", "new-password"} & set(
        field.autocomplete.split()
    )


def _find_code_fields(seen: PageView) -> tuple[Field, ...]:
    """The field of a one-time code, or several fields of one character each."""
    single = tuple(each for each in seen.fields if each.length == 1 and each.kind != "password")
    if len(single) >= 4:
        return single
    for field in seen.fields:
        if "one-time-code" in field.autocomplete:
            return (field,)
    for field in seen.fields:
        if field.kind in ("password", "email") or _NO_CODE.search(field.about) or _USER.search(field.about):
            continue
        if _CODE.search(field.about) or (field.mode == "numeric" and not field.about):
            return (field,)
    return ()


def _find_user_field(seen: PageView, password: Field | None) -> Field | None:
    if password is not None:
        before = [each for each in seen.fields if each.kind != "password" and each.form == password.form]
    else:
        before = list(seen.fields)
    for field in before:
        if {"username", "email"} & set(field.autocomplete.split()) or field.kind == "email":
            return field
    for field in before:
        if field.kind in ("text", "tel") and _USER.search(field.about):
            return field
    # A text field before a password is the user name, whatever its name.
    texts = [each for each in before if password and each.kind == "text" and each.index < password.index]
    return texts[-1] if texts else None


def _find_submit_button(seen: PageView, field: Field | None) -> Button | None:
    """The button that submits the field."""
    assert field is not None
    near = [each for each in seen.buttons if each.form == field.form and not _REFUSES.search(each.name)]
    submits = [each for each in near if each.submits]
    if submits or field.form >= 0:
        return next(iter(submits or near), None)
    forward = _compile(r"log ?in|sign ?[io]n|next|continue|verify|submit|confirm|send|go")
    return next((each for each in near if forward.search(each.name)), near[0] if near else None)


def _find_consent_button(seen: PageView) -> Button | None:
    """The button that gives consent, on a page that asks for it."""
    refusing = [each for each in seen.buttons if _REFUSES.search(each.name) or each.key == "cancel"]
    others = [each for each in seen.buttons if each not in refusing]
    letting = [each for each in others if _LETS.search(each.name)]
    if letting and (refusing or _ASKS.search(f"{seen.title} {seen.heading} {seen.text}")):
        return letting[0]
    # In another language: the key of one button refuses, and there is one other button.
    pairs = [each for each in others if each.form >= 0 and any(no.form == each.form for no in refusing)]
    return pairs[0] if len(pairs) == 1 else None


def _is_in_app(address: str, base_url: str) -> bool:
    return is_within(address, base_url) and not _is_login_path(address, base_url)


def _is_login_path(address: str, base_url: str) -> bool:
    """Whether this is the page of the app that appears only after a failed sign-in."""
    return is_within(address, f"{base_url}/login")
