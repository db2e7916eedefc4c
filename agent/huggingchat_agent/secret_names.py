"""The one table of names whose values are secret, and the search for such values in a text.

Errors, logs, reports and tapes all use it. It recognises only the forms that programs write: the sentence
"exit code: 1; state: running" stays unchanged.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Span = tuple[int, int]
    Reader = Callable[[str, re.Match[str]], Span | None]

Kind = Literal["prose", "code", "json", "page", "log"]

# A name is secret because of its end: my_api_key, X-Api-Key and apikeys, but not api_key_count.
_ENDINGS = re.compile(
    r"(?:(?:password(?:confirm\w*)?|passwd|passphrase|passcode|secret|jwt|[cx]srf|sess(?:ion)?id|credential"
    r"|cookie|authorization|codechallenge|codeverifier|hfchat"
    r"|(?:api|secret|private|access|signing|encryption|subscription|account|auth|client|master|service|shared"
    r"|ssh|license|hmac|storage|openai|anthropic|huggingface|hf|groq|mistral|gemini|google|azure|aws)key"
    r"|(?:t?otp|mfa|2fa|onetime|verification|recovery|backup|device|user)code)s?|token(?:hint)?)\Z"
)
# Short ones count only as whole words: user_pwd and loginOtp.
_LAST_WORDS = frozenset({"pwd", "otp", "totp", "sid"})
# And these, which are plain words in the JSON of an app or of a tool.
_LOGGED_WORDS = frozenset(
    {"pass", "pin", "auth", "bearer", "sess", "session", "sig", "signature", "ticket", "assertion"}
)
_LOGGED_NAMES = frozenset({"oauthverifier", "samlresponse"})
# What may follow such an end: pwd2, passwordConfirm, token_value.
_FOLLOWING = re.compile(r"\d+|confirm\w*|again|repeat|value|hash|raw|plain|encoded|b64")
# Other "tokens" are words of a text, or their number.
_TOKENS_OF = frozenset(
    {"access", "refresh", "api", "auth", "bearer", "csrf", "id", "session", "device", "security", "user"}
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HEADER = re.compile(
    r"auth|cookie|token|secret|passw|passphrase|passcode|-key$|api-?key|[cx]srf|sess|otp|jwt|credential|"
    r"signature|assertion",
    re.IGNORECASE,
)

_NAME = r"(?P<name>[\w.$-]{1,100}+)"
# What looks drawn at random: letters and digits, or many digits.
_RANDOM = r"(?:(?=[^\s\"',;]{0,60}[a-z])(?=[^\s\"',;]{0,60}\d)[^\s\"',;]{6,}|\d{6,}(?![\w.]))"
_PARAMETER_VALUE = r"(?P<value>(?:[^&#;,\s\"'%]|%(?!26|23))+)"
_NUMBER = re.compile(r"-?[\d.]{4,}")
_VALUE_AT_RANDOM = re.compile(_RANDOM, re.IGNORECASE)
_VALUE_OF_PARAMETER = re.compile(_PARAMETER_VALUE, re.IGNORECASE)
_NESTED = re.compile(
    r"\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\\\"(?:(?!\\\").)*+\\\"|(?P<begin>[\[{])|(?P<end>[\]}])"
)
# A description of a field is no value of it.
_SCHEMA = re.compile(r"\"type\\?\"\s*:\s*\\?\"(?:string|number|integer|boolean|object|array)\\?\"")
_LONGEST_SCHEMA = 2000

# Values without a name, or apart from it.
_LOGGED = tuple(
    re.compile(each, re.IGNORECASE)
    for each in (
        # All cookies of a header, and the part after the scheme of another one.
        r"\b(?:set-)?cookie:\s*(?P<value>(?=[^\s=;,:]+=)[^\r\n]+)",
        r"\b(?:proxy-)?authorization\b[\"']?\s*[:=]\s*[\"']?"
        r"(?:bearer|basic|token|digest|negotiate)\s+(?P<value>[^\s\"';,]+)",
        rf"\bauthorization\s*:\s*[\w-]+\s+(?P<value>{_RANDOM})",
        rf"\bbearer\s+(?P<value>{_RANDOM})",
        # Code and state are words of prose and of error answers too, so theirs have to look like something
        # drawn at random where they stand in no query.
        rf"(?:[?&]|%3F|%26)(?:code|state|nonce|session_state|key)(?:=|%3D){_PARAMETER_VALUE}",
        r"(?:\b|%[0-9a-f]{2})code(?:=|%3D)[\"']?(?P<value>[^\s\"'&;,%]{6,})",
        r"(?:\b|%[0-9a-f]{2})state(?:=|%3D)[\"']?(?P<value>[^\s\"'&;,%]{8,})",
        r"[\"'](?:code|state)\\?[\"']\s*:\s*\\?[\"']"
        r"(?P<value>(?=[\w.~+/=-]*[a-z])(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,})",
        # User name and password of an address, and of curl.
        r"\b[a-z][a-z0-9+.-]{0,20}://(?P<value>[^\s/@\"'<>?#]{1,500})@",
        r"(?<![\w/:.%+-])[a-z][\w.%+-]{0,60}:(?P<value>[^\s/@:\"'<>?#]{1,200})@"
        r"(?:[a-z]|\d+\.\d+\.\d+\.\d|\[)",
        r"(?<!\S)(?:-u|--(?:proxy-)?user)(?:\s+|=)[\"']?(?!\d+:\d)[\w.@+-]{1,100}:(?P<value>[^\s\"']+)",
    )
) + tuple(
    # Keys and tokens of known services, JSON web tokens, and private keys.
    re.compile(rf"(?<![A-Za-z0-9_-])(?P<value>{each})")
    for each in (
        r"hf_[A-Za-z0-9]{16,}",
        r"sk-(?=[\w-]*\d)[\w-]{20,}",
        r"[sprk]k_(?:live|test)_\w{10,}",
        r"gsk_\w{20,}",
        r"gh[pousr]_[A-Za-z0-9]{20,}",
        r"github_pat_\w{20,}",
        r"glpat-[\w-]{16,}",
        r"xox[abeoprs]-[\w-]{10,}",
        r"A(?:KI|SI)A[0-9A-Z]{16}",
        r"AIza[\w-]{30,}",
        r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?",
        r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?",
    )
)
# An update with a word of an answer or of a reasoning calls it "token".
_QUOTED = r"(?:\\?[\"'])"
_UPDATE = re.compile(rf"{_QUOTED}type{_QUOTED}\s*:\s*{_QUOTED}(?:stream|reasoning){_QUOTED}")


@functools.lru_cache(10_000)
def is_secret(name: str, *, logged: bool = False) -> bool:
    """Whether values of that name are secret. In a log, more names are."""
    words = [each.lower() for each in _WORD.findall(name)]
    while len(words) > 1 and _FOLLOWING.fullmatch(words[-1]):
        words.pop()
    if not words:
        return False
    *before, last = words
    whole = "".join(words)
    return bool(
        _ENDINGS.search(whole)
        or last in _LAST_WORDS
        or (last == "tokens" and before and before[-1] in _TOKENS_OF)
        or (logged and (last in _LOGGED_WORDS or whole in _LOGGED_NAMES))
    )


def is_secret_header(name: str) -> bool:
    """Whether the value of a header of that name is secret."""
    return _HEADER.search(name) is not None


def find_spans(text: str, kind: Kind) -> Iterator[Span]:
    """The places of values that their name makes secret, in no order.

    The kind is "json", "page" (HTML with JSON in it), "log" (addresses, headers, messages; here tokens of
    known services are secret too), or "prose" (text of people and models) or "code", which have none.
    """
    for head, read in _HEADS[kind]:
        end = 0
        for match in head.finditer(text):
            name = match["name"]
            if match.start() < end or not is_secret(name, logged=kind == "log" and read is not _read_plain):
                continue
            if not (name == "token" and _is_word(text, match)) and (found := read(text, match)):
                end = found[1]
                yield found
    for pattern in _LOGGED if kind == "log" else ():
        for match in pattern.finditer(text):
            yield match.span("value")


def _read_quoted(text: str, head: re.Match[str]) -> Span | None:
    """A string in the same quotes as its name, a number, or a whole list or object."""
    start, quote = head.end(), head["quote"]
    if text.startswith(quote, start):
        found = _string(quote).match(text, start + len(quote))
        return found.span() if found else None
    if text.startswith(("[", "{"), start):
        return _read_nested(text, start)
    return _read_number(text, head)


def _read_number(text: str, head: re.Match[str]) -> Span | None:
    """A number of four digits or more. A token has six or more and no fraction.

    A smaller number counts tokens, and one with a fraction is the time of one.
    """
    found = _NUMBER.match(text, head.end())
    if found is None:
        return None
    if head["name"].lower().endswith("token") and (len(found[0]) < 6 or "." in found[0]):
        return None
    return found.span()


def _read_nested(text: str, start: int) -> Span | None:
    """A list or an object, to its end or the end of the text."""
    depth, end = 0, len(text)
    for match in _NESTED.finditer(text, start):
        depth += (match["begin"] is not None) - (match["end"] is not None)
        if not depth and match["end"]:
            end = match.end()
            break
    if end - start <= _LONGEST_SCHEMA and _SCHEMA.search(text, start, end):
        return None
    return (start, end) if end - start > len("{}") else None


def _read_plain(text: str, head: re.Match[str]) -> Span | None:
    """The value of a header, a field or an option, where a sentence would have a word."""
    for quote in ('\\"', '"', "\\'", "'"):
        if text.startswith(quote, head.end()):
            found = _string(quote).match(text, head.end() + len(quote))
            return found.span() if found else None
    found = _VALUE_AT_RANDOM.match(text, head.end())
    return found.span() if found else None


def _read_parameter(text: str, head: re.Match[str]) -> Span | None:
    found = _VALUE_OF_PARAMETER.match(text, head.end())
    return found.span() if found else None


@functools.cache
def _string(quote: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?!{re.escape(quote)})(?:\\.|.))++")


def _is_word(text: str, match: re.Match[str]) -> bool:
    start, end = text.rfind("{", 0, match.start()), text.find("}", match.end())
    return bool(
        _UPDATE.search(text, max(start, 0), match.start()) or _UPDATE.search(text, match.end(), max(end, 0))
    )


# What stands before a value, and what reads the value.
_HEADS: dict[Kind, tuple[tuple[re.Pattern[str], Reader], ...]] = {
    "prose": (),
    "code": (),
    "json": ((re.compile(rf"(?<!\\)(?P<quote>\"){_NAME}\"\s*:\s*"), _read_quoted),),
    "page": ((re.compile(rf"(?<!\\)(?P<quote>\\?\"){_NAME}(?P=quote)\s*:\s*"), _read_quoted),),
    "log": (
        # A key of JSON, also within a string, or of a Python dict.
        (re.compile(rf"(?<!\\)(?P<quote>\\*+[\"']){_NAME}(?P=quote)\s*:\s*"), _read_quoted),
        # A header or a field, and an option of a command.
        (re.compile(rf"(?<![\w.$-]){_NAME}:\s*"), _read_plain),
        (re.compile(rf"--{_NAME}\s+"), _read_plain),
        # A query, a form, a cookie or a variable, also as a part of another query.
        (
            re.compile(
                rf"(?:%(?:25)*[0-9a-f]{{2}}|(?<![\w%.$-])){_NAME}(?:\]|%5D)?"
                r"(?:\s*=(?!=)\s*|%(?:25)*3D)[\"']?",
                re.IGNORECASE,
            ),
            _read_parameter,
        ),
    ),
}
