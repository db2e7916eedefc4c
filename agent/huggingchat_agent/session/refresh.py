"""Has the app renew the session cookie."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.errors import SIGN_IN_AGAIN, SessionRejected, SiteError
from huggingchat_agent.session.account import read_account
from huggingchat_agent.wire import requests

if TYPE_CHECKING:
    from huggingchat_agent.session.account import Account
    from huggingchat_agent.session.session import Session

# No conversation has this id, so stopping its answer changes nothing. But the app renews the cookie of a
# signed-in user with each POST, and with no GET.
_NO_CONVERSATION = "0" * 24

_NEXT_SECOND = 1.1  # seconds; the end of a cookie is a whole second


async def refresh(session: Session) -> Account:
    """Have the app renew the session cookie, save the session, and return who is signed in until when.

    Raises SessionRejected if the app does not know the session, SiteError if it renews nothing.
    """
    before = await read_account(session)
    where = redact.address(session.settings.base_url)
    if before.login_offered and not before.signed_in:
        raise SessionRejected(
            f"There is no session to renew: nobody is signed in at {where}.", **SIGN_IN_AGAIN
        )
    for pause in (0.0, _NEXT_SECOND):
        await asyncio.sleep(pause)
        await session.calls.fetch(requests.stop_generating(_NO_CONVERSATION))
        account = await read_account(session)
        if before.signed_in and not account.signed_in:
            raise SessionRejected(f"{where} ended the session instead of renewing it.", **SIGN_IN_AGAIN)
        if before.expires is None or account.expires is None or account.expires > before.expires:
            await session.save()
            return account
    raise SiteError(
        f"{where} did not renew the session: it ends on {before.expires:%Y-%m-%d %H:%M} UTC, as before. Sign "
        "in again before that."
    )
