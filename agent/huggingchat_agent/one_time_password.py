"""One-time passwords: from the caller, from a callable, or computed from a TOTP secret."""

from __future__ import annotations

import base64
import inspect
import threading
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.redact import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# A code, or a function that returns one when it is needed (None or "" if it has none).
Otp: TypeAlias = "str | Callable[[], str | None] | Callable[[], Awaitable[str | None]]"

MOST = 3  # codes in one sign-in


class Codes:
    """The codes of one sign-in: from `otp` if it is set, else computed from the secret.

    It never returns a code twice, and at most `MOST` codes. A callable that is not a coroutine function
    runs in a thread of its own, because it may wait for a person.
    """

    def __init__(self, otp: Otp | None = None, totp_secret: Secret | None = None) -> None:
        self._otp, self._secret = otp, totp_secret
        self._given: list[Secret] = []

    async def get_next(self) -> Secret | None:
        """Another code, or None."""
        if len(self._given) == MOST:
            return None
        code = "".join((await self._ask() or "").split())
        if not code or Secret(code) in self._given:
            return None
        self._given.append(Secret(code))
        return self._given[-1]

    async def _ask(self) -> str | None:
        if isinstance(self._otp, str):
            return self._otp
        if self._otp is not None:
            asked: Any = self._otp() if _is_async(self._otp) else await run_in_daemon_thread(self._otp)
            return str((await asked if inspect.isawaitable(asked) else asked) or "")
        return str(_make_totp(self._secret).now()) if self._secret is not None else None


def parse_totp_secret(value: str | None) -> Secret | None:
    """A TOTP secret: base32, or the otpauth:// address in a QR code. SettingsError if it is neither."""
    if not value:
        return None
    secret = Secret(value.strip())
    if not _gives_codes(secret):
        raise SettingsError(
            "totp_secret is not a TOTP secret. Use the base32 text or the otpauth://totp/ address that the "
            "site shows when you set up an authenticator."
        )
    return secret


def _gives_codes(secret: Secret) -> bool:
    try:
        _make_totp(secret).now()
    except Exception:  # its text might hold the secret
        return False
    return True


def _make_totp(secret: Secret) -> Any:
    import pyotp  # import it only for users with a second factor

    value = secret.reveal()
    if not value.startswith("otpauth://"):
        return pyotp.TOTP(_pad_secret(value))
    parts = urlsplit(value)
    fields = [(key, _pad_secret(each) if key == "secret" else each) for key, each in parse_qsl(parts.query)]
    return pyotp.parse_uri(parts._replace(query=urlencode(fields, quote_via=quote)).geturl())


def _pad_secret(secret: str) -> str:
    """The base32 text of a secret, padded to the length that pyotp requires. The codes stay the same.

    pyotp wants 14 bytes; many sites give 10. HMAC itself pads a key with zeros, so they change nothing.
    """
    text = "".join(secret.replace("-", "").split()).rstrip("=").upper()
    key = base64.b32decode(text + "=" * (-len(text) % 8))
    if not key:
        raise ValueError("no secret")
    return base64.b32encode(key.ljust(14, b"\0")).decode()


def _is_async(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


async def run_in_daemon_thread(function: Callable[[], Any]) -> Any:
    """Call it in a daemon thread, which does not keep the process alive: it may wait for a person."""
    import asyncio  # not for those who only read settings: it takes a while to load

    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Any] = loop.create_future()

    def settle(method: Callable[[Any], None], value: Any) -> None:
        if not outcome.done():
            method(value)

    def call() -> None:
        try:
            result = function()
        except BaseException as error:
            outcome_error = error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
            arguments: tuple[Callable[[Any], None], Any] = (outcome.set_exception, outcome_error)
        else:
            arguments = (outcome.set_result, result)
        if not loop.is_closed():  # else nothing waits any more
            loop.call_soon_threadsafe(settle, *arguments)

    threading.Thread(target=call, name="one-time code", daemon=True).start()
    return await outcome
