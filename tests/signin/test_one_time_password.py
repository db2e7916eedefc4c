"""One-time codes: computed as RFC 6238 has it, given once each, asked for without holding up anybody."""

import base64
import threading

import pytest

from fixtures.site.hub import codes_now, one_time_code
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.one_time_password import MOST, Codes, parse_totp_secret
from huggingchat_agent.redact import Secret

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
SHORT = "JBSWY3DPEHPK3PXP"


async def compute(secret):
    given = await Codes(None, parse_totp_secret(secret)).get_next()
    assert given is not None
    return given.reveal()


@pytest.mark.parametrize(
    ("moment", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_code_of_the_stand_in_is_that_of_the_rfc(moment, code):
    assert one_time_code(RFC_SECRET, moment) == code


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("written", "secret"),
    [
        (RFC_SECRET, RFC_SECRET),
        (SHORT, SHORT),
        ("jbsw y3dp ehpk 3pxp", SHORT),
        ("JBSW-Y3DP-EHPK-3PXP", SHORT),
        ("MZXW6YQ=", "MZXW6YQ="),
        ("MZXW6YQ", "MZXW6YQ="),
        (f"otpauth://totp/Hub:ada?secret={SHORT}&issuer=Hub", SHORT),
        (f"otpauth://totp/A%20Hub:ada%40example.org?secret={RFC_SECRET}&issuer=A%20Hub", RFC_SECRET),
    ],
)
async def test_code_is_computed_from_a_secret_of_any_length_and_form(written, secret):
    before = codes_now(secret)[0]
    assert await compute(written) in (before, codes_now(secret)[0])


@pytest.mark.asyncio
async def test_code_is_computed_as_the_qr_code_says():
    address = f"otpauth://totp/Hub:ada?secret={SHORT}&digits=8&algorithm=SHA256&period=60"
    assert len(await compute(address)) == 8


@pytest.mark.parametrize(
    "text", ["10!", "----", "password1", f"otpauth://hotp/a?secret={SHORT}", "otpauth://totp/a"]
)
def test_invalid_secret_is_reported_without_showing_it(text):
    with pytest.raises(SettingsError, match="not a TOTP secret") as caught:
        parse_totp_secret(text)
    assert text not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.asyncio
async def test_codes_are_given_once_each_and_not_for_ever():
    assert (await (codes := Codes("12 34 56")).get_next()) == Secret("123456")
    assert await codes.get_next() is None
    numbers = iter(range(100000, 200000))
    codes = Codes(lambda: str(next(numbers)))
    assert [await codes.get_next() is not None for _ in range(MOST + 1)] == [True] * MOST + [False]


@pytest.mark.asyncio
async def test_callable_is_asked_in_a_thread_and_a_coroutine_where_it_is():
    asked = []

    def sync():
        asked.append(threading.current_thread())
        return "1"

    async def coroutine():
        asked.append(threading.current_thread())
        return "2"

    assert (await Codes(sync).get_next(), await Codes(coroutine).get_next()) == (Secret("1"), Secret("2"))
    assert asked[0] is not threading.main_thread()
    assert asked[1] is threading.current_thread()


@pytest.mark.asyncio
async def test_what_a_callable_raises_reaches_the_caller():
    def fails():
        raise ValueError("no phone at hand")

    with pytest.raises(ValueError, match="no phone"):
        await Codes(fails).get_next()
