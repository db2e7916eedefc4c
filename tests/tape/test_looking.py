"""A tape looked at: as HTML in a real browser, as HAR, in the terminal."""

import base64
import json
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from huggingchat_agent.browser.executable import find_executable
from huggingchat_agent.cli import app as cli
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.har import make_har
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.report import render_report
from huggingchat_agent.tape.summary import summarize
from huggingchat_agent.tape.timeline import make_timeline
from tests.cli.shell import COMMAND

TAPES = Path(__file__).parents[2] / "fixtures" / "tapes"
ASYNC = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def read(name):
    return summarize(Tape(TAPES / name).load())


def run(*arguments):
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    async with async_playwright() as playwright:
        found = find_executable()
        assert found is not None
        browser = await playwright.chromium.launch(executable_path=found.path, chromium_sandbox=False)
        yield browser
        await browser.close()


async def open_report(chromium, tmp_path, name, width):
    """The report in a browser without a network, and all it asked for and complained of."""
    path = tmp_path / "report.html"
    path.write_text(render_report(read(name)))
    page = await chromium.new_page(viewport={"width": width, "height": 844}, offline=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text))
    await page.goto(path.as_uri())
    return page, asked, path.as_uri()


class TestReport:
    pytestmark = ASYNC

    @pytest.mark.parametrize("width", [1280, 390])
    async def test_report_has_plot_pictures_and_conversation(self, chromium, tmp_path, width):
        page, asked, address = await open_report(chromium, tmp_path, "v1-conversation.tape", width)
        assert await page.locator("article").count() == 3
        assert "You said: hello there" in await page.locator("#turn-1 .answer").inner_text()
        for turn in (1, 2, 3):
            pictures = page.locator(f"#turn-{turn} .film img")
            assert await pictures.count() == 3
            assert await pictures.evaluate_all("all => all.every(each => each.naturalWidth >= 800)")
            plots = page.locator(f"#turn-{turn} svg")
            assert await plots.count() == 2
            assert len(await plots.first.locator("path.area").get_attribute("d") or "") > 30
            assert await plots.last.locator("circle").count() >= 4
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        # Nothing but the file itself and what is in it.
        assert [each for each in asked if not each.startswith("data:")] == [address]
        await page.close()

    async def test_report_tells_what_went_wrong_first(self, chromium, tmp_path):
        page, _, _ = await open_report(chromium, tmp_path, "v1-troubles.tape", 1280)
        first = page.locator("main section").first
        assert await first.get_attribute("id") == "troubles"
        text = await first.inner_text()
        for trouble in (
            "GenerationFailed",
            "StreamBroken",
            "RateLimited",
            "a handler of the user that fails",
        ):
            assert trouble in text
        await page.close()

    async def test_picture_opens_large_and_closes_again(self, chromium, tmp_path):
        page, _, _ = await open_report(chromium, tmp_path, "v1-conversation.tape", 1280)
        picture = page.locator("#turn-2 .film img").last
        small = (await picture.bounding_box())["width"]
        await picture.click()
        assert (await picture.bounding_box())["width"] > 2 * small
        await page.mouse.click(3, 3)
        assert (await picture.bounding_box())["width"] == small
        await page.close()

    async def test_request_opens_and_shows_headers_and_bodies(self, chromium, tmp_path):
        page, asked, _ = await open_report(chromium, tmp_path, "v1-conversation.tape", 1280)
        line = page.locator("summary", has_text="POST /chat/conversation/")
        post = page.locator("#timeline details", has=line).first
        assert not await post.locator(".opened").is_visible()
        await post.locator("summary").click()
        shown = await post.locator(".opened").inner_text()
        assert "content-type" in shown and "hello there" in shown and '"type":"finalAnswer"' in shown
        assert not [each for each in asked if each.startswith("http")]
        await page.close()

    async def test_report_shows_markup_of_an_answer_as_text(self, chromium, tmp_path):
        found = read("v1-conversation.tape")
        image = "<img src=https://example.org/x> ![y](https://example.org/y)"
        evil = f"<script>document.title='x'</script> {image} **b**"
        found.turns[0].prompt = evil
        assert found.turns[0].answer is not None
        found.turns[0].answer["text"] = evil
        path = tmp_path / "report.html"
        path.write_text(render_report(found))
        page = await chromium.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(path.as_uri())
        assert "<script>" in await page.locator("#turn-1 .answer").inner_text()
        assert await page.locator("#turn-1 .answer strong").inner_text() == "b"
        assert not [each for each in asked if each.startswith("http")]
        await page.close()

    async def test_browser_plays_the_archive_back(self, chromium, tmp_path):
        """Another reader of HAR: what it routes from the archive is what was recorded."""
        path = tmp_path / "run.har"
        found = read("v1-full.tape")
        path.write_text(json.dumps(make_har(found)))
        page = await chromium.new_page()
        await page.route_from_har(path)
        main = next(each for each in found.exchanges if each.path.endswith("/main.js"))
        home = next(each for each in found.exchanges if each.request.kind == "document")
        await page.goto(home.request.url)
        body = await page.evaluate("url => fetch(url).then(answer => answer.text())", main.request.url)
        assert body.encode() == bytes(main.body) != b""
        await page.close()


# What HAR 1.2 says an object has, and of which type.
NUMBER = (int, float)
SHAPE: dict[str, dict[str, Any]] = {
    "entry": {
        "startedDateTime": str,
        "time": NUMBER,
        "request": dict,
        "response": dict,
        "cache": dict,
        "timings": dict,
    },
    "request": {
        "method": str,
        "url": str,
        "httpVersion": str,
        "cookies": list,
        "headers": list,
        "queryString": list,
        "headersSize": int,
        "bodySize": int,
    },
    "response": {
        "status": int,
        "statusText": str,
        "httpVersion": str,
        "cookies": list,
        "headers": list,
        "content": dict,
        "redirectURL": str,
        "headersSize": int,
        "bodySize": int,
    },
    "content": {"size": int, "mimeType": str},
    "timings": {"send": NUMBER, "wait": NUMBER, "receive": NUMBER},
    "page": {"startedDateTime": str, "id": str, "title": str, "pageTimings": dict},
}


def check(kind, value):
    for name, type_ in SHAPE[kind].items():
        assert isinstance(value[name], type_), f"{kind}.{name}"


@pytest.mark.parametrize("name", ["v1-full.tape", "v1-troubles.tape"])
def test_archive_is_har_1_2(name):
    log = json.loads(json.dumps(make_har(read(name))))["log"]
    assert log["version"] == "1.2" and {"name", "version"} <= log["creator"].keys()
    pages = {page["id"] for page in log["pages"]}
    for page in log["pages"]:
        check("page", page)
    assert len(log["entries"]) > 10
    for entry in log["entries"]:
        check("entry", entry)
        check("request", entry["request"])
        check("response", entry["response"])
        check("content", entry["response"]["content"])
        check("timings", entry["timings"])
        assert entry["pageref"] in pages
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        assert entry["time"] == pytest.approx(sum(entry["timings"].values()))
        for header in entry["request"]["headers"] + entry["response"]["headers"]:
            assert header.keys() == {"name", "value"}
        content = entry["response"]["content"]
        if content.get("encoding") == "base64":
            assert len(base64.b64decode(content["text"])) == content["size"]
    moments = [datetime.fromisoformat(entry["startedDateTime"]) for entry in log["entries"]]
    assert moments == sorted(moments)


def test_show_tells_what_happened_in_order():
    shown = run("tape", "show", TAPES / "v1-troubles.tape")
    assert shown.returncode == 0, shown.stderr
    for text in (
        "turn 1 begins by page",
        "turn 1 answers",
        "StreamBroken",
        "handler _raise failed",
        "browser",
    ):
        assert text in shown.stdout
    assert shown.stdout.index("turn 1 begins") < shown.stdout.index("turn 2 begins")


def test_show_through_a_pipe_gives_one_line_a_record_with_tabs():
    """However long a path is: nothing is wrapped, whatever the terminal's width would be."""
    shown = run("tape", "show", "--all", TAPES / "v1-conversation.tape").stdout.splitlines()
    assert all(line.count("\t") == 2 for line in shown)
    assert max(map(len, shown)) > 100  # a pipe was 80 columns wide once
    paths = [line.split("\t")[1] for line in shown]
    found = read("v1-conversation.tape")
    assert [each for each in paths if each.startswith("GET")] == [
        f"GET {each.path}" for each in found.exchanges if each.request.method == "GET"
    ]


def test_show_folds_static_files_that_follow_one_another():
    folded = run("tape", "show", TAPES / "v1-full.tape").stdout
    assert "_assets/style.css" not in folded
    assert re.search(r"\t\d+ static files\t[\d.]+ kB\n", folded)
    found = read("v1-full.tape")
    lines = make_timeline(found, fold=True)
    static = [line.what for line in lines if line.kind == "static"]
    count = sum(int(each.split()[0]) if each.endswith(" files") else 1 for each in static)
    assert count == sum(each.static for each in found.exchanges)
    assert len(lines) + 20 < len(make_timeline(found))


def test_trouble_is_what_somebody_would_miss_and_counts_once():
    found = read("v1-troubles.tape")
    static = next(each for each in found.exchanges if each.static)
    static.failed = tapes.Fail(n=1, at=1.0, id="x", page="p", reason="net::ERR_FAILED")
    texts = [text for _, text in found.troubles]
    assert not [each for each in texts if static.path in each]
    assert [each for each in texts if each.startswith("The handler")] == [
        "The handler _raise of 'title' raised: RuntimeError: a handler of the user that fails (4 times)"
    ]


def test_report_shows_tools_with_what_they_were_asked_and_answered():
    recording = Tape(TAPES / "v1-conversation.tape").load()
    last = recording.records[-1]
    one, two = ({"conversation_id": "c", "turn": 1, "at": 1.0, "uuid": uuid} for uuid in "uv")
    extra = [
        {"event": "tool_call", "seq": 90, "tool": "search", "parameters": {"query": "<sea>"}, **one},
        {"event": "tool_result", "seq": 91, "outputs": [{"text": "waves"}, "foam"], **one},
        {"event": "tool_call", "seq": 92, "tool": "clock", "parameters": {}, "arguments": "{}", **two},
        {"event": "tool_error", "seq": 93, "message": "no time", **two},
    ]
    records = [*recording.records, *(tapes.Event(n=last.n + 1, at=last.at, event=each) for each in extra)]
    page = render_report(summarize(recording._replace(records=records)))
    for text in ("Tool search", "&lt;sea&gt;", "waves", "foam", "Tool clock", "no time"):
        assert text in page


def test_show_gives_the_records_as_json():
    shown = run("tape", "show", "--json", TAPES / "v1-conversation.tape")
    records = [json.loads(line) for line in shown.stdout.splitlines()]
    assert records[0]["tape"] == 1 and records[-1]["type"] == "last"


def test_report_and_archive_are_written_beside_the_tape_for_their_owner_only(tmp_path):
    tape = tmp_path / "run.tape"
    tape.write_bytes((TAPES / "v1-conversation.tape").read_bytes())
    for command, suffix in (("report", ".html"), ("har", ".har")):
        done = run("tape", command, tape)
        assert (done.returncode, done.stdout.strip()) == (0, str(tape.with_suffix(suffix)))
        assert tape.with_suffix(suffix).stat().st_mode & 0o777 == 0o600


def test_tape_that_breaks_off_is_shown_as_far_as_it_goes_and_fails(tmp_path):
    tape = tmp_path / "run.tape"
    tape.write_bytes((TAPES / "v1-conversation.tape").read_bytes()[:-3000])
    for command in ("show", "report"):
        done = run("tape", command, tape)
        assert done.returncode == 1
        assert "offset" in done.stderr and done.stdout


def test_command_for_what_is_no_tape_says_so(tmp_path):
    (tmp_path / "x").write_text("hello")
    done = run("tape", "show", tmp_path / "x")
    assert done.returncode == 1 and "is not a tape" in done.stderr


def test_replay_prints_the_answers_and_the_events():
    again = run("replay", "--speed", "0", TAPES / "v1-conversation.tape")
    assert again.returncode == 0 and again.stdout.startswith("You said: hello there [history=2")
    lines = run("replay", "--speed", "0", "--json", TAPES / "v1-conversation.tape").stdout.splitlines()
    names = [json.loads(line)["event"] for line in lines]
    assert names.count("finished") == 3 and names[0] == "started"


@pytest.mark.browser
def test_replay_in_a_browser_prints_what_replay_prints_without():
    logs = []
    for options in ([], ["--browser"]):
        done = run("replay", "--speed", "0", "--json", *options, TAPES / "v1-full.tape")
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        logs.append([(each["event"], each["turn"], each["seq"], each.get("text")) for each in lines])
    assert logs[0] == logs[1] and len(logs[0]) > 20


def test_replay_in_a_browser_takes_a_full_tape():
    done = run("replay", "--browser", TAPES / "v1-conversation.tape")
    assert done.returncode == 2 and "not a full tape" in done.stderr


@pytest.fixture
def tape(tmp_path):
    return Path(shutil.copy(TAPES / "v1-conversation.tape", tmp_path / "run.tape"))


@pytest.mark.parametrize(("command", "suffix"), [("report", ".html"), ("har", ".har")])
def test_tape_is_never_replaced_by_what_is_made_of_it(tape, command, suffix, capsys):
    before = tape.read_bytes()
    alias = tape.with_suffix(suffix)
    alias.hardlink_to(tape)
    for given in ([tape, "-o", tape], [alias], [tape]):
        assert cli.run(["tape", command, "--force", *map(str, given)]) == 2
        assert "is the tape itself" in capsys.readouterr().err
    assert tape.read_bytes() == before


def test_report_replaces_no_file_without_force(tape, capsys):
    page = tape.with_suffix(".html")
    page.write_text("something else")
    assert cli.run(["tape", "report", str(tape)]) == 2
    assert "--force" in capsys.readouterr().err and page.read_text() == "something else"
    assert cli.run(["tape", "report", str(tape), "--force"]) == 0
    assert page.read_text().startswith("<!")
    assert cli.run(["tape", "report", str(tape), "-o", str(tape.parent)]) == 1
    assert "Name a file in it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--cut", "1", "--in", "0"], "--in"),
        (["--cut", "-5"], "--cut"),
        (["--status", "9999"], "--status"),
        (["--stall", "5:-1"], "seconds above 0, not -1"),
        (["--stall", "5:nan"], "seconds above 0, not nan"),
        (["--stall", "-5:1"], "0 bytes or more, not -5"),
        (["--speed", "nan"], "from 0 up, not nan"),
        (["--speed", "-1"], "from 0 up, not -1"),
        (["--in", "2"], "--cut, --stall or --status"),
        (["--cut", "1", "--in", "99"], "The tape has 3 messages; there is no number 99."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_fault_that_cannot_be_is_wrong_usage(given, says, capsys):
    assert cli.run(["replay", *given, str(TAPES / "v1-conversation.tape")]) == 2
    output = capsys.readouterr()
    assert says in output.err and output.out == "" and output.err.count("\n") == 1


def test_replay_with_a_fault_fails_as_the_app_would_have():
    done = run("replay", "--speed", "0", "--status", "503", "--in", "2", TAPES / "v1-conversation.tape")
    assert done.returncode == 1 and "turn 2 failed" in done.stderr
    assert run("replay", "--stall", "x", TAPES / "v1-conversation.tape").returncode == 2
