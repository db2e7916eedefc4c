"""What pages load with `skip_pictures`."""

import pytest
import pytest_asyncio
from aiohttp import web

from fixtures.site.produced import PICTURE
from huggingchat_agent import HuggingChat
from huggingchat_agent.browser.launch import choose_switches
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.settings import make_settings
from tests.signed_in import save_session

PAGE = """<!doctype html><title>Page</title><link rel="stylesheet" href="/style.css"><img src="/picture.png">
<p>Text</p><script src="/script.js"></script>"""

STYLE = """@font-face { font-family: web; src: url(/font.woff2) }
p { font-family: web; background: url(/background.png) }"""

SCRIPT = """window.addEventListener("load", async () => {
    await fetch("/fetched");
    await document.fonts.ready;
    window.over = true;
});"""

KINDS = {"": "text/html", "style.css": "text/css", "script.js": "text/javascript"}
TEXTS = {"": PAGE, "style.css": STYLE, "script.js": SCRIPT}
PICTURES = {"picture.png", "background.png", "font.woff2"}


class Shop:
    """A server of one page. `asked` has what browsers asked for."""

    def __init__(self):
        self.url = ""
        self.asked = set()

    async def answer(self, request):
        name = request.path[1:]
        self.asked.add(name)
        if name.endswith(".png"):
            return web.Response(body=PICTURE, content_type="image/png")
        return web.Response(text=TEXTS.get(name, ""), content_type=KINDS.get(name, "text/plain"))


@pytest_asyncio.fixture(loop_scope="module")
async def shop():
    shop = Shop()
    app = web.Application()
    app.router.add_get("/{name:.*}", shop.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    shop.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield shop
    await runner.cleanup()


@pytest.mark.browser
@pytest.mark.either_engine
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("recorded", [False, True], ids=["", "recorded"])
async def test_page_loads_all_but_pictures_and_fonts(started, shop, tmp_path, recorded):
    given = {"record": tmp_path / "run.tape"} if recorded else {}
    browser = await started(skip_pictures=True, **given)
    try:
        page = await browser.new_page(lambda event: None)
        await page.goto(f"{shop.url}/", timeout=15)
        await page.wait("() => window.over", timeout=15)
        hovers = await page.evaluate("() => matchMedia('(hover: hover)').matches", timeout=10)
    finally:
        await browser.close()
    wanted = {"", "style.css", "script.js", "fetched"} | (PICTURES if recorded else set())
    assert shop.asked - {"favicon.ico"} == wanted  # the tab's icon is no part of the page
    assert hovers


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_files_both_ways_need_no_pictures_in_the_page(engine, account, site, tmp_path):
    save_session(site, tmp_path)
    (tmp_path / "dot.png").write_bytes(PICTURE)
    async with HuggingChat(engine=engine, home=tmp_path, skip_pictures=True, **account) as chat:
        await chat.login()
        conversation = await chat.new_conversation("Qwen2.5-VL")
        seen = await conversation.send("look", files=[tmp_path / "dot.png"], via="ui")
        assert "[images=1]" in seen.text
        answer = await conversation.send("make file dots.png of 5000", via="ui")
        assert len(await answer.files[0].read()) == 5000
        shown = await chat.screenshot(tmp_path / "shown.png")
    assert shown.read_bytes().startswith(b"\x89PNG")


def skips(**given):
    return any("imagesEnabled=false" in each for each in choose_switches(make_settings(**given)))


def test_pictures_are_skipped_only_on_demand_and_where_no_one_sees_them(tmp_path):
    assert not skips()
    assert skips(skip_pictures=True)
    assert skips(skip_pictures=True, user_data_dir=tmp_path)
    for more in ({"headless": False}, {"bind": "office"}, {"record": tmp_path / "run.tape"}):
        assert not skips(skip_pictures=True, **more)


def test_switches_of_the_user_come_last():
    assert choose_switches(make_settings(skip_pictures=True, browser_args=["--mute-audio"]))[-1] == (
        "--mute-audio"
    )


def test_running_browser_is_refused_by_name():
    with pytest.raises(SettingsError, match="skip_pictures is for a browser that the agent starts") as caught:
        make_settings(skip_pictures=True, connect="http://127.0.0.1:9222")
    assert "--skip-pictures" in (caught.value.shell_message or "")
