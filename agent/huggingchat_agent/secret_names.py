"""The one table of names whose values are secret, and the search for such values in a text.

Errors, logs, reports and tapes all use it. It recognises only the forms that programs write: the sentence
"exit code: 1; state: running" stays unchanged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["prose", "code", "json", "page", "log"]

# Whatever stands before these in a name: access_token, csrfToken, x-api-key. And short ones, which count
# only as whole words of it: user_pwd, loginOtp.
_WORDS_BEFORE = r"(?:[\w.-]{0,40}[._-]|[\w.-]{0,40}[a-z](?-i:(?=[A-Z])))?"
_NAME = (
    r"(?:[\w.-]{0,40}(?:passw(?:or)?d(?:[_-]?confirm\w*)?|passphrase|passcode|secret|token(?:_hint)?|jwt|xsrf"
    r"|(?:api|secret|private|access|signing|encryption|subscription|account)[._-]?key|credentials?|sessid)"
    rf"|{_WORDS_BEFORE}(?:pwd|t?otp|sid|session[_-]?id"
    r"|(?:t?otp|mfa|2fa|one[_-]?time|verification|recovery|backup|device|user)[_-]?(?:code|password))"
    r"|(?:proxy-)?authorization|(?:set-)?cookie|hf-chat|csrf\w*|code_?(?:challenge|verifier))"
)
# And these, which are plain words in the JSON of an app or of a tool.
_LOGGED_NAME = (
    rf"(?:{_NAME}|{_WORDS_BEFORE}(?:pass|pin|auth|bearer|sess|session|sig|signature|ticket|assertion)"
    r"|oauth_verifier|samlresponse)"
)
_HEADER = re.compile(
    r"auth|cookie|token|secret|passw|passphrase|passcode|-key$|api-?key|[cx]srf|sess|otp|jwt|credential|"
    r"signature|assertion",
    re.IGNORECASE,
)
_QUOTED = r"(?:\\?[\"'])"
# What looks drawn at random: letters and digits.
_RANDOM = r"(?=[^\s\"',;]{0,60}[a-z])(?=[^\s\"',;]{0,60}\d)[^\s\"',;]{6,}"
_PARAMETER_VALUE = r"(?P<value>(?:[^&#;,\s\"'%]|%(?!26|23))+)"

# Keys of JSON; keys of JSON within a string; any of the two, or a Python dict.
_KEY = rf"(?<!\\)\"(?P<name>{_NAME})\"\s*:\s*\"(?P<value>(?:[^\"\\]|\\.)+)"
_KEY_WITHIN = rf"(?<!\\)\\\"(?P<name>{_NAME})\\\"\s*:\s*\\\"(?P<value>(?:(?!\\\")(?:\\.|[^\\]))+)"
_KEY_ANYWHERE = (
    rf"(?P<quote>\\?[\"'])(?P<name>{_LOGGED_NAME})(?P=quote)\s*:\s*(?P=quote)"
    r"(?P<value>(?:(?!(?P=quote))(?:\\.|.))+)"
)
_LOGGED = (
    # All cookies of a header, and the part after the scheme of another one.
    r"\b(?:set-)?cookie:\s*(?P<value>(?=[^\s=;,:]+=)[^\r\n]+)",
    r"\b(?:proxy-)?authorization\b[\"']?\s*[:=]\s*[\"']?"
    r"(?:bearer|basic|token|digest|negotiate)\s+(?P<value>[^\s\"';,]+)",
    rf"\bauthorization\s*:\s*[\w-]+\s+(?P<value>{_RANDOM})",
    rf"\bbearer\s+(?P<value>{_RANDOM})",
    _KEY_ANYWHERE,
    # A header, a form or an option of a command, where a sentence would have a word.
    rf"(?<![\w-]){_NAME}:\s*(?P<value>{_RANDOM})",
    rf"(?<![\w-]){_NAME}:\s*(?P<quote>\\?[\"'])(?P<value>(?:(?!(?P=quote))(?:\\.|.))+)",
    rf"--{_NAME}\s+[\"']?(?P<value>{_RANDOM})",
    # A query, a form or a cookie, also as a part of another query.
    rf"(?:(?<![\w-])|%[0-9a-f]{{2}}){_LOGGED_NAME}(?:\]|%5D)?"
    rf"(?:\s*=\s*|%(?:25)*3D)[\"']?{_PARAMETER_VALUE}",
    # Code and state are words of prose and of error answers too, so theirs have to look like something
    # drawn at random where they stand in no query.
    rf"(?:[?&]|%3F|%26)(?:code|state|nonce|session_state|key)(?:=|%3D){_PARAMETER_VALUE}",
    r"(?:\b|%[0-9a-f]{2})code(?:=|%3D)[\"']?(?P<value>[^\s\"'&;,%]{6,})",
    r"(?:\b|%[0-9a-f]{2})state(?:=|%3D)[\"']?(?P<value>[^\s\"'&;,%]{8,})",
    r"[\"'](?:code|state)\\?[\"']\s*:\s*\\?[\"'](?P<value>(?=[\w.~+/=-]*[a-z])(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,})",
    # User name and password of an address.
    r"\b[a-z][a-z0-9+.-]{0,20}://(?P<value>[^\s/@\"'<>?#]{1,500})@",
    r"(?<![\w/:.%+-])[a-z][\w.%+-]{0,60}:(?P<value>[^\s/@:\"'<>?#]{1,200})@(?:[a-z]|\d+\.\d+\.\d+\.\d|\[)",
)
_PATTERNS = {
    kind: tuple(re.compile(each, re.IGNORECASE) for each in patterns)
    for kind, patterns in {
        "prose": (),
        "code": (),
        "json": (_KEY,),
        "page": (_KEY, _KEY_WITHIN),
        "log": _LOGGED,
    }.items()
}
# An update with a word of an answer or of a reasoning calls it "token".
_WORD = re.compile(rf"{_QUOTED}type{_QUOTED}\s*:\s*{_QUOTED}(?:stream|reasoning){_QUOTED}")


def find_spans(text: str, kind: Kind) -> Iterator[tuple[int, int]]:
    """The places of values that their name makes secret, in no order.

    The kind is "json", "page" (HTML with JSON in it), "log" (addresses, headers, messages), or "prose" (text
    of people and models) or "code", which have none.
    """
    for pattern in _PATTERNS[kind]:
        for match in pattern.finditer(text):
            if not ("name" in pattern.groupindex and match["name"] == "token" and _is_word(text, match)):
                yield match.span("value")


def is_secret_header(name: str) -> bool:
    """Whether the value of a header of that name is secret."""
    return _HEADER.search(name) is not None


def _is_word(text: str, match: re.Match[str]) -> bool:
    start, end = text.rfind("{", 0, match.start()), text.find("}", match.end())
    return bool(
        _WORD.search(text, max(start, 0), match.start()) or _WORD.search(text, match.end(), max(end, 0))
    )
