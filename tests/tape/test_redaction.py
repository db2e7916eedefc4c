"""No secret gets through, however it is cut and wherever it stands; the rest comes through as it was."""

import json
import random
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent import redact
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.mask import MASK, Mask
from huggingchat_agent.tape.redaction import Redaction

PASSWORD = 'tr0ub4dor & "three" ünits'
COOKIE = "b7c8d9e0-1234-4abc-9def-0123456789ab"
redact.Secret(PASSWORD)
redact.remember(COOKIE)


def redact_all(records, **options):
    """All records that come out, in the order of what happened."""
    learned: list[str] = []
    redaction = Redaction(Mask(options.pop("patterns", ())), learn=redact.remember, **options)
    out = [each for record in records for each in redaction.feed([record])]
    out += redaction.close()
    assert not learned
    return sorted(out, key=lambda record: record.n)


def exchange(body, cuts, mime="application/jsonl"):
    """A response whose body comes in chunks that end at these places."""
    where: dict[str, Any] = {"id": "1", "page": "p"}
    edges = [0, *sorted({cut % (len(body) + 1) for cut in cuts}), len(body)]
    records: list[tapes.AnyRecord] = [tapes.Response(n=1, at=0.0, status=200, mime=mime, headers={}, **where)]
    for number, (start, end) in enumerate(pairwise(edges), 2):
        if start < end:
            records.append(
                tapes.Chunk(n=number, at=number / 10, **where, **tapes.make_payload(body[start:end]))
            )
    return [*records, tapes.End(n=len(edges) + 9, at=9.0, **where)]


def join_body(records):
    return b"".join(each.data for each in records if isinstance(each, tapes.Chunk))


def stream(words, pad=16):
    return b"".join(
        json.dumps(
            {"type": "stream", "token": word.ljust(pad, "\0")}, ensure_ascii=False, separators=(",", ":")
        ).encode()
        + b"\n"
        for word in words
    )


def join_words(body):
    return "".join(json.loads(line)["token"].rstrip("\0") for line in body.splitlines())


@given(st.lists(st.integers(0, 400), max_size=12), st.randoms())
def test_body_without_secrets_keeps_its_bytes_and_its_cuts(cuts, chance):
    words = [
        chance.choice(["hello ", "wörld", "x@y ", "b7c8", "日本 ", "tr0ub", "\n", '"q" ']) for _ in range(8)
    ]
    records = exchange(stream(words), cuts)
    out = redact_all(records)
    assert join_body(out) == join_body(records)
    assert [(each.n, each.at) for each in out] == [(each.n, each.at) for each in records]


@pytest.mark.parametrize("secret", [PASSWORD, COOKIE, "ada.lovelace@example.org"])
@given(st.lists(st.integers(0, 900), max_size=12), st.lists(st.integers(1, 40), max_size=8))
def test_secret_in_the_words_of_an_answer_is_found_however_it_is_cut(secret, cuts, places):
    text = f"It is {secret} and {secret}, they say."
    edges = [0, *sorted({place % len(text) for place in places}), len(text)]
    words = [text[start:end] for start, end in pairwise(edges)]
    out = join_body(redact_all(exchange(stream(words), cuts)))
    assert join_words(out) == f"It is {MASK} and {MASK}, they say."


@given(st.lists(st.integers(0, 400), max_size=12))
def test_secret_in_json_and_in_json_within_json_is_found_however_it_is_cut(cuts):
    inner = json.dumps({"password": PASSWORD, "kept": "word"})
    body = json.dumps({"body": inner, "other": [PASSWORD, COOKIE]}).encode()
    out = join_body(redact_all(exchange(body, cuts, "application/json")))
    assert json.loads(out)["other"] == [MASK, MASK]
    assert json.loads(json.loads(out)["body"]) == {"password": MASK, "kept": "word"}


def test_words_of_events_are_looked_at_as_one_text():
    words = ["My mail is ada", "@exam", "ple.org", " and the ", "word is ", PASSWORD[:5], PASSWORD[5:], "!"]
    records = [
        tapes.Event(n=n, at=0.0, event={"event": "token", "turn": 1, "text": word})
        for n, word in enumerate(words)
    ]
    records.append(tapes.Event(n=99, at=0.0, event={"event": "finished", "turn": 1}))
    out = redact_all(records)
    assert "".join(each.event.get("text", "") for each in out) == f"My mail is {MASK} and the word is {MASK}!"


def test_headers_of_tool_servers_are_learned_and_left_out_everywhere_after():
    data = {
        "inputs": "hi",
        "selectedMcpServers": [{"name": "m", "url": "u", "headers": {"X-Key": "key-of-mcp-77"}}],
    }
    body = '--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n' + json.dumps(data) + "\r\n--b--\r\n"
    where: dict[str, Any] = {"id": "1", "page": "p"}
    post = tapes.Request(
        n=1,
        at=0.0,
        method="POST",
        url="http://x/chat/conversation/1",
        kind="fetch",
        text=body,
        headers={"content-type": "multipart/form-data; boundary=b"},
        has_body=True,
        **where,
    )
    out = redact_all([post, *exchange(stream(["the key-of-", "mcp-77 it is"]), [3, 50])[0:]])
    assert "key-of-mcp-77" not in msgspec.json.encode(out).decode()
    assert '"inputs": "hi"' in out[0].text
    assert join_words(join_body(out)) == f"the {MASK} it is"


def test_addresses_headers_and_messages_lose_what_is_named_as_secret():
    where: dict[str, Any] = {"id": "1", "page": "p"}
    request = tapes.Request(
        n=1,
        at=0.0,
        method="GET",
        kind="fetch",
        url="http://x/cb?code=abc&next=%2Fchat&state=xyz&p=1",
        headers={"cookie": "hf-chat=1", "x-api-key": "k", "accept": "*/*", "referer": "http://x/?token=t"},
        **where,
    )
    message = tapes.ConsoleMessage(n=2, at=0.0, page="p", kind="console", text='login {"password": "abc"} ok')
    first, second = redact_all([request, message])
    assert first.url == f"http://x/cb?code={MASK}&next=%2Fchat&state={MASK}&p=1"
    assert first.headers == {
        "cookie": MASK,
        "x-api-key": MASK,
        "accept": "*/*",
        "referer": f"http://x/?token={MASK}",
    }
    assert second.text == f'login {{"password": "{MASK}"}} ok'


def test_the_app_s_own_token_lines_are_no_secrets():
    body = stream(["a", "b"]) + b'{"type":"finalAnswer","text":"\\"password\\": \\"is a word\\""}\n'
    assert join_body(redact_all(exchange(body, [7]))) == body


def test_words_of_an_answer_are_kept_however_their_update_is_written():
    body = b'{"token":"a secret","type":"stream"}\n{ "type": "stream", "token": "word" }\n'
    body += b'{"type":"tool","token":"hf_abc"}\n'
    out = join_body(redact_all(exchange(body, [7, 50])))
    assert out == body.replace(b"hf_abc", MASK.encode())


def test_patterns_of_the_user_are_left_out_across_words():
    out = redact_all(exchange(stream(["ticket AC", "ME-", "4711 and\n", "more"]), []), patterns=[r"ACME-\d+"])
    assert join_words(join_body(out)) == f"ticket {MASK} and\nmore"


def test_pattern_that_cannot_be_read_is_refused():
    with pytest.raises(SettingsError, match="cannot be read"):
        Mask(["(unclosed"])


def test_username_is_left_out_by_choice():
    body = b'{"json":{"id":"1","username":"ada","email":"ada@example.org"}}'
    records = exchange(body, [20], "application/json")
    later = tapes.Event(n=50, at=0.0, event={"event": "title", "title": "ada and adage"})
    out = redact_all([*records, later], hide_username=True)
    assert json.loads(join_body(out))["json"] == {"id": "1", "username": MASK, "email": MASK}
    assert out[-1].event["title"] == f"{MASK} and adage"
    kept = redact_all([*records, later])
    assert json.loads(join_body(kept))["json"]["username"] == "ada"


def test_scripts_lose_known_values_and_nothing_else():
    script = f'const a="{COOKIE}", mail="someone@example.org", p={{"password":"x"}};\nlast()'.encode()
    out = join_body(redact_all(exchange(script, [9, 30], "text/javascript")))
    assert out == script.replace(COOKIE.encode(), MASK.encode())


def test_what_is_no_text_is_left_alone():
    data = random.Random(1).randbytes(500)
    assert join_body(redact_all(exchange(data, [100, 200], "image/png"))) == data


def test_nothing_much_is_held_back_of_a_long_answer():
    redaction = Redaction(Mask(), learn=redact.remember)
    records = exchange(stream(["word "] * 5000), range(0, 100_000, 40))
    held = 0
    for record in records:
        held += 1
        held -= sum(1 for _ in redaction.feed([record]))
        assert held < 10
