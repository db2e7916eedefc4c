"""Secrets wherever the protocol can carry them, and then a search through all that recording leaves."""

import base64
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.setting_values import Record
from huggingchat_agent.tape.har import make_har
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.report import render_report
from huggingchat_agent.tape.summary import summarize
from tests.recorded import make_account_settings
from tests.tape.unpack import read_everything, read_lines

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "correct horse"
EMAIL = "ada@example.org"
CODE = "code-7f3a91bc"
OTP = "83041796"
MCP = "mcp-header-5521-zx"
TICKET = "ACME-4711"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def planted(tmp_path_factory):
    """A full tape of a session with secrets all over it, and what the browser and the site knew."""
    path = tmp_path_factory.mktemp("planted") / "run.tape"
    home = tmp_path_factory.mktemp("state")
    record = Record(path, full=True, hide=(r"ACME-\d+",), hide_username=True)
    with StandIn(echo_pause=0.001, second_factor=True, second_factor_code=OTP) as site:
        async with HuggingChat(**make_account_settings(site, home), record=record) as chat:
            chat.on("title", fail)
            await chat.login(otp=OTP)
            page = await chat._session.tabs.get_shared()
            state = await chat._session.read_state()
            cookies = {each["value"] for each in state["cookies"] if len(each["value"]) >= 8}
            talk = await chat.new_conversation(system_prompt=f"The word is {PASSWORD}.")
            said = f"Remember {PASSWORD}, {EMAIL}, {TICKET}, {min(cookies)}, {OTP} of ada, will you?"
            await talk.send(said, via="page")
            await talk.send(said, via="ui")
            await page.evaluate(
                """async (base, id, word, code, mcp, cookie) => {
                    console.log(`password=${word}`, {a: 1}, cookie);
                    console.warn(JSON.stringify({password: 'typed ' + word, access_token: code}));
                    setTimeout(() => { throw new Error(`bad ${word}`); });
                    const form = new FormData();
                    const server = {name: 'm', url: 'https://m.example.org', headers: {'X-Key': mcp}};
                    form.append('data', JSON.stringify({inputs: mcp, selectedMcpServers: [server]}));
                    const headers = {authorization: 'Bearer ' + code, 'x-api-key': mcp};
                    await fetch(`${base}/conversation/${id}`, {method: 'POST', body: form, headers});
                    await fetch(`${base}/api/v2/user?code=${code}&state=${code}&p=1`, {headers});
                    await new Promise(done => setTimeout(done));
                    alert(`the word is ${word}`);
                }""",
                chat.settings.base_path,
                talk.id,
                PASSWORD,
                CODE,
                MCP,
                min(cookies),
                timeout=20,
            )
        cookies |= list_codes(site)
    return path, cookies


def list_codes(site):
    """Codes and states that came and went while we were signed in."""
    queries = [parse_qs(urlsplit(each.path).query) for each in site.control.requests]
    found = {value for query in queries for name in ("code", "state") for value in query.get(name, ())}
    assert len(found) >= 2
    return found


def fail(event):
    raise ValueError(f"no title for {PASSWORD} of {EMAIL}")


def list_secrets(cookies):
    plain = {PASSWORD, EMAIL, CODE, OTP, MCP, TICKET, *cookies}
    return {
        *plain,
        *(each.replace(" ", "+") for each in plain),
        *(each.replace(" ", "%20").replace("@", "%40") for each in plain),
        *(base64.b64encode(each.encode()).decode().rstrip("=") for each in plain),
    }


def search(text, cookies):
    found = {each for each in list_secrets(cookies) if each in text}
    assert not found, f"there is {[each[:4] + '...' for each in found]}"


async def test_tape_has_no_secret_in_it(planted):
    path, cookies = planted
    search(read_everything(path).decode("latin-1"), cookies)


async def test_words_of_the_answers_put_together_have_no_secret_in_them(planted):
    path, cookies = planted
    records = read_lines(path)[1:]
    records.sort(key=lambda record: record["n"])
    log = [each["event"] for each in records if each["type"] == "event"]
    search("".join(each.get("text", "") for each in log if each["event"] == "token"), cookies)
    bodies: dict[str, str] = {}
    for each in records:
        if each["type"] == "chunk":
            bodies[each["id"]] = bodies.get(each["id"], "") + each.get("text", "")
    assert len(bodies) > 10
    for body in bodies.values():
        search(body, cookies)
        words = [json.loads(line) for line in body.splitlines() if line.startswith('{"type":"stream"')]
        search("".join(word["token"].rstrip("\0") for word in words), cookies)


async def test_name_of_who_is_signed_in_is_left_out_where_that_was_chosen(planted):
    path, _ = planted
    log = [json.dumps(each) for each in read_lines(path) if each.get("type") == "event"]
    assert len(log) > 20 and not re.search(r"\bada\b", "\n".join(log))


async def test_what_is_no_secret_is_still_there(planted):
    path, _ = planted
    text = read_everything(path).decode("latin-1")
    for kept in (
        "Remember [redacted], [redacted], [redacted]",
        "password=[redacted]",
        "the word is [redacted]",
    ):
        assert kept in text
    kinds = {(each.get("kind"), each.get("level")) for each in read_lines(path) if each.get("type") == "said"}
    assert {("console", "log"), ("console", "warning"), ("error", "error"), ("dialog", "alert")} <= kinds


async def test_nothing_of_the_sign_in_is_on_the_tape(planted):
    path, _ = planted
    asked = [each["url"] for each in read_lines(path) if each.get("type") == "request"]
    assert asked and not any("/login" in url or "/oauth" in url for url in asked)
    assert any(each.get("type") == "hidden" for each in read_lines(path))


async def test_report_archive_and_timeline_have_no_secret_in_them(planted):
    path, cookies = planted
    found = summarize(Tape(path).load())
    search(render_report(found), cookies)
    search(json.dumps(make_har(found)), cookies)


async def test_picture_of_a_page_masks_fields_and_secrets(tmp_path):
    page_with = (
        "<div style='font:20px monospace'><input value='{0}'><p>It is {0}, <b>{1}</b>{2}.</p>"
        "<textarea>{0}</textarea></div>"
    )
    with StandIn() as site:
        async with HuggingChat(**make_account_settings(site, tmp_path)) as chat:
            page = await chat._session.tabs.get_shared()

            async def pictured(*words):
                await page.evaluate(
                    "html => { document.body.innerHTML = html }", page_with.format(*words), timeout=5
                )
                before = await page.evaluate("() => document.documentElement.outerHTML", timeout=5)
                shot = await page.take_picture(lambda text: [words[0], words[1] + words[2]])
                assert await page.evaluate("() => document.documentElement.outerHTML", timeout=5) == before
                return shot

            # A picture is as if another text of that length stood there.
            one = await pictured("correct horse", "one-time", " 1234")
            other = await pictured("battery stapl", "two-fold", " 9876")
            assert one == other


async def test_picture_of_the_login_form_is_the_same_whatever_was_typed(tmp_path):
    typed = """(name, word) => {
        const fields = [...document.querySelectorAll("form input:not([type=hidden])")];
        fields.forEach(each => { each.value = each.type === "password" ? word : name });
        return fields.length;
    }"""
    with StandIn() as site:
        async with HuggingChat(**make_account_settings(site, tmp_path)) as chat:
            page = await chat._session.tabs.open_page()
            await page.goto(f"{site.url}/login", timeout=15)
            pictures = set()
            for name, word in (("ada", "correct horse"), ("grace.hopper", "x")):
                assert await page.evaluate(typed, name, word, timeout=5) >= 2
                pictures.add(await page.take_picture(lambda text: []))
            assert len(pictures) == 1
