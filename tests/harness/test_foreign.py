"""Beside pytest-playwright, and beside its async twin, each in packages of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.conftest import RUN_SECONDS, Project

ROOT = Path(__file__).parents[2]
INSTALL_SECONDS = 240
# The two refuse each other, so neither is among the tools of this project.
PACKAGES = ("python-slugify>=8", "text-unidecode>=1.3")

TAPE = ROOT / "fixtures" / "tapes" / "v1-conversation.tape"
REPORT = f"""
    from pathlib import Path
    from playwright.sync_api import expect
    from huggingchat_agent.tape.summary import summarize
    from huggingchat_agent.tape.reader import Tape
    from huggingchat_agent.tape.report import render_report

    def test_report(page, context, tmp_path):
        context.set_offline(True)
        path = tmp_path / "report.html"
        path.write_text(render_report(summarize(Tape(Path({str(TAPE)!r})).load())))
        page.goto(path.as_uri())
        expect(page.locator("article")).to_have_count(3)
        expect(page.locator("#turn-1 .answer")).to_contain_text("You said: hello there")
        expect(page.locator("#turn-2 .film img")).to_have_count(3)
        expect(page.locator("#turn-2 svg")).to_have_count(2)
        expect(page.locator("#turn-2 svg path.area").first).to_be_visible()
"""

pytestmark = [pytest.mark.browser, pytest.mark.foreign, pytest.mark.timeout(INSTALL_SECONDS + RUN_SECONDS)]


def install_packages(name: str) -> Path:
    """A folder with the plugin and what it needs; made the first time, kept for the next."""
    place = ROOT / ".venv-harness" / name
    if not (place / "installed").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command = [*pip, "--target", str(place), f"{name}>=0.7", *PACKAGES]
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
        (place / "installed").touch()
    return place


def run_beside(project: Project, plugin: str) -> Project:
    path = [str(install_packages(plugin)), os.environ.get("PYTHONPATH", "")]
    project.environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    project.write(
        "conftest.py",
        """
        import os
        import pytest
        from huggingchat_agent.browser.executable import find_executable

        @pytest.fixture(scope="session")
        def base_url():
            return os.environ["SITE"]

        @pytest.fixture(scope="session")
        def browser_type_launch_args(browser_type_launch_args):
            found = {"executable_path": find_executable().path, "chromium_sandbox": False}
            return {**browser_type_launch_args, **found}

        @pytest.fixture(scope="session")
        def huggingchat_settings(huggingchat_settings):
            assert huggingchat_settings["base_url"] == os.environ["SITE"]
            assert huggingchat_settings["browser"] == find_executable().path
            return {**huggingchat_settings, "via": "page"}
        """,
    )
    return project


@pytest.fixture
def site(site):
    """Without login, so that a page of a test is let in at once."""
    site.control.switch(login=False)
    yield site
    site.control.switch(login=True)


def test_sync_pages_and_async_chats_take_turns_and_a_report_opens_beside_pytest_playwright(project):
    project.write("test_report.py", REPORT)
    run_beside(project, "pytest-playwright").write(
        "test_both.py",
        """
        import pytest
        from huggingchat_agent.testing import assert_says

        def enter(page, base_url):
            page.goto(base_url)
            with page.expect_response("**/settings"):
                page.get_by_role("button", name="Start chatting").click()

        async def test_async_before(conversation):
            assert_says(await conversation.send("hello"), "you said")

        def test_attached(page, base_url, huggingchat_attach):
            attached = huggingchat_attach(page)
            enter(page, base_url)
            page.get_by_placeholder("Ask anything").fill("to the page")
            page.get_by_role("button", name="Send message").click()
            assert_says(attached.wait_for_answer(), "to the page")
            assert attached.events.of_type("token")

        async def test_async_after(conversation):
            assert_says(await conversation.send("hello"), "you said")

        def test_sync_chat_beside_a_page(page, base_url, conversation):
            page.goto(base_url)
            assert_says(conversation.send("hello").result(), "you said")
            assert page.title()

        async def test_async_with_a_sync_page(page, huggingchat):
            pass

        def test_attached_fails(page, base_url, huggingchat_attach):
            attached = huggingchat_attach(page)
            enter(page, base_url)
            page.get_by_placeholder("Ask anything").fill("to the page")
            page.get_by_role("button", name="Send message").click()
            assert_says(attached.wait_for_answer(), "goodbye")
        """,
    )
    result = project.run("--huggingchat-mode=live", "--screenshot=only-on-failure", "--output=left")
    result.assert_outcomes(passed=5, failed=1, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "An async test cannot use the pages of pytest-playwright, which are sync.*",
            "*HuggingChat transcript*",
            "User: to the page",
        ]
    )
    left = {path.name for path in (project.folder / "left").rglob("*") if path.is_file()}
    assert left == {"huggingchat.txt", "huggingchat.png", "test-failed-1.png"}


def test_other_plugins_cause_no_warning_by_what_is_asked_of_them_and_are_not_woken_in_replay(project):
    run_beside(project, "pytest-playwright").write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture
        def browser_context_args():
            raise RuntimeError("asked for in replay")
        """,
    )
    project.write(
        "test_it.py",
        """
        async def test_it(conversation):
            pass

        def test_options(huggingchat_settings):
            options = {name: huggingchat_settings[name] for name in ("headless", "channel", "slow_mo")}
            assert options == {"headless": False, "channel": "chrome-beta", "slow_mo": 7}
            assert huggingchat_settings["skip_pictures"] is False  # tests that fail leave a screenshot
        """,
    )
    result = project.run("--headed", "--browser-channel=chrome-beta", "--slowmo=7")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["There is no tape of this test: *"])


@pytest.mark.long
def test_options_of_pytest_playwright_are_followed_or_said_not_to_be(project, site):
    run_beside(project, "pytest-playwright").write(
        "conftest.py",
        """
        import os
        import pytest
        from huggingchat_agent.browser.executable import find_executable

        @pytest.fixture(scope="session")
        def browser_type_launch_args(browser_type_launch_args):
            account = {"username": "ada", "password": "p@ss"}
            proxy = {"server": "http://127.0.0.1:9", "bypass": "127.0.0.1", **account}
            found = {"executable_path": find_executable().path, "chromium_sandbox": False}
            return {**browser_type_launch_args, **found, "proxy": proxy, "timeout": 60_000}

        @pytest.fixture(scope="session")
        def browser_context_args(browser_context_args):
            looks = {"viewport": {"width": 811, "height": 533}, "locale": "de-DE", "color_scheme": "dark"}
            return {**browser_context_args, **looks, "base_url": os.environ["SITE"], "storage_state": None}

        @pytest.fixture(scope="session")
        def huggingchat_settings(huggingchat_settings):
            assert huggingchat_settings["proxy"] == "http://ada:p%40ss@127.0.0.1:9"
            own = {"locale": "fr-FR", "timezone_id": "Asia/Tokyo"}
            return {**huggingchat_settings, "proxy": None, "context_args": own}
        """,
    )
    project.write(
        "test_options.py",
        """
        import os
        import pytest

        LOOKS = '''() => [innerWidth, innerHeight, matchMedia("(prefers-color-scheme: dark)").matches,
            Intl.DateTimeFormat().resolvedOptions().timeZone, navigator.language]'''

        FORM = '''() => {
            window.log = [];
            document.body.innerHTML = "<input><textarea></textarea>";
            document.addEventListener("input", (event) => log.push(event.timeStamp));
        }'''

        async def test_chat(huggingchat):
            page = await huggingchat._session.tabs.get_shared()
            assert await page.evaluate(LOOKS, timeout=10) == [811, 533, True, "Asia/Tokyo", "fr-FR"]
            await page.evaluate(FORM, timeout=10)
            for field in ("input", "textarea"):
                await page.insert_text(field, "hello", timeout=10)
            first, second = await page.evaluate("() => log", timeout=10)
            assert second - first >= 100

        @pytest.mark.browser_context_args(locale="it-IT", offline=False)
        async def test_chat_again(huggingchat):
            page = await huggingchat._session.tabs.get_shared()
            assert await page.evaluate(LOOKS, timeout=10) == [811, 533, True, "Asia/Tokyo", "it-IT"]

        def test_attached(page, huggingchat_attach):
            attached = huggingchat_attach(page)
            page.goto("/")
            assert attached.settings.base_url == os.environ["SITE"]
        """,
    )
    project.write(
        "test_other.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def huggingchat_settings(huggingchat_settings):
            return {**huggingchat_settings, "context_args": None, "engine": "nodriver"}

        def test_engine(huggingchat_sync):
            assert huggingchat_sync.models()
        """,
    )
    project.environment["HUGGINGCHAT_BASE_URL"] = site.url.replace("127.0.0.1", "localhost")
    shown = ("-W", "default::pytest.PytestWarning", "-W", "ignore::pytest.PytestDeprecationWarning")
    result = project.run("--huggingchat-mode=live", "--screenshot=on", "--slowmo=100", *shown)
    result.assert_outcomes(passed=4, warnings=3)
    result.stdout.fnmatch_lines(
        [
            "*NotHeeded: The browsers of huggingchat and huggingchat_sync do not follow timeout, "
            "bypass= of the proxy, storage_state= of browser_context_args; your own pages do. "
            "*huggingchat_settings.",
            "*NotHeeded: *do not follow offline= of browser_context_args; *",
            "*NotHeeded: *do not follow browser_context_args (engine nodriver); *",
        ]
    )
    pictures = sorted(path.parent.name for path in project.folder.glob("test-results/*/huggingchat.png"))
    tests = ("test_attached", "test_chat", "test_chat_again", "test_engine")
    assert sorted(name.split("-")[1] for name in pictures) == sorted(tests)


LOOKS = """
@pytest.fixture
def browser_context_args(browser_context_args):
    return {**browser_context_args, "locale": "it-IT"}
"""


@pytest.mark.long
def test_async_pages_share_the_loop_beside_pytest_playwright_asyncio(project):
    run_beside(project, "pytest-playwright-asyncio").write(
        "pytest.ini",
        """
        [pytest]
        asyncio_default_fixture_loop_scope = session
        asyncio_default_test_loop_scope = session
        """,
    )
    with (project.folder / "conftest.py").open("a") as conftest:
        conftest.write(LOOKS)
    project.write(
        "test_async.py",
        """
        from huggingchat_agent.testing import assert_says

        LOOKS = "() => [navigator.language, navigator.userAgent, devicePixelRatio, screen.width]"

        async def test_attached(page, base_url, huggingchat_attach):
            attached = await huggingchat_attach(page)
            await page.goto(base_url)
            async with page.expect_response("**/settings"):
                await page.get_by_role("button", name="Start chatting").click()
            await page.get_by_placeholder("Ask anything").fill("to the page")
            await page.get_by_role("button", name="Send message").click()
            assert_says(await attached.wait_for_answer(), "to the page")

        async def test_page_and_chat(page, huggingchat, conversation):
            assert_says(await conversation.send("hello"), "you said")
            assert await page.title() == ""
            ours = await huggingchat._session.tabs.get_shared()
            looks = await ours.evaluate(LOOKS, timeout=10)
            assert looks == await page.evaluate(LOOKS)
            assert looks[0] == "it-IT" and "Pixel 7" in looks[1] and looks[2] == 2.625

        def test_sync(conversation):
            assert_says(conversation.send("hello").result(), "you said")

        def test_fails(conversation):
            assert_says(conversation.send("hello").result(), "goodbye")
        """,
    )
    result = project.run("--huggingchat-mode=live", "--screenshot=off", "--device=Pixel 7")
    result.assert_outcomes(passed=3, failed=1)
    left = {path.name for path in (project.folder / "test-results").rglob("*") if path.is_file()}
    assert left == {"huggingchat.txt", "huggingchat.tape"}
