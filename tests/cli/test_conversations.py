"""`conversations`, at a terminal and through a pipe; what it did is seen on the server."""

import asyncio
import json
from pathlib import Path

import pytest

from fixtures.site import StandIn
from tests.cli.conftest import PASSWORD
from tests.cli.shell import Shell
from tests.site.client import open_signed_in

pytestmark = pytest.mark.browser

GONE = "0123456789abcdef01234567"


def say(site, prompt="tell me **all**"):
    """The id of a new conversation of the account in which that was said."""

    async def say():
        async with open_signed_in(site) as client:
            return (await client.ask(prompt))[0]

    return asyncio.run(say())


@pytest.fixture
def made(stand_in):
    return say(stand_in)


def test_list_is_a_line_each_through_a_pipe_and_as_many_as_asked_for(taped, recorded):
    done = taped.here("conversations", "list", "--limit", "1")
    assert (done.code, done.err) == (0, "")
    id, title, model, changed = done.out.rstrip("\n").split("\t")
    stored = recorded.stored[-1]
    assert (id, title, model) == (recorded.reasoned, stored["title"], stored["model"])
    assert changed[:19] == stored["updatedAt"][:19]


def test_list_as_json_is_all_of_it_with_all(taped, recorded):
    entries = json.loads(taped.here("conversations", "--verbose", "list", "--all", "--json").out)
    assert [each["id"] for each in entries] == [recorded.reasoned, recorded.plain]
    assert entries[0]["updatedAt"] and entries[0]["model"]


def test_list_is_a_table_at_a_terminal_and_says_that_there_is_more(taped, recorded):
    with taped.terminal("conversations", "list", "-n", "1") as terminal:
        terminal.expect("Title")
        terminal.expect(recorded.reasoned)
        terminal.expect("--all")
        assert terminal.code() == 0


def test_show_is_rendered_at_a_terminal_and_markdown_through_a_pipe(taped, recorded):
    done = taped.here("conversations", "show", f"{recorded.url}/conversation/{recorded.plain}")
    assert "## You\n\ntell me **all**\n\n## Assistant\n\nYou said: tell me **all**" in done.out
    with taped.terminal("conversations", "show", recorded.plain) as terminal:
        terminal.expect("Assistant")
        terminal.expect("You said: tell me \x1b[1mall\x1b[0m")
        assert terminal.code() == 0
    assert (
        json.loads(taped.here("conversations", "show", recorded.plain, "--json").out)["id"] == recorded.plain
    )


def test_rename_and_share_are_done(shell, stand_in, made):
    assert shell.here("conversations", "rename", made, "another title").code == 0
    assert stand_in.control.conversation(made)["title"] == "another title"
    link = shell.here("conversations", "share", made).out.strip()
    assert link.startswith(f"{stand_in.url}/r/")
    copy = shell.here("conversations", "import", link).out.strip()
    assert copy != made and stand_in.control.conversation(copy)["title"] == "another title"


def test_export_goes_to_a_file_and_not_over_one_that_is_there(taped, recorded, tmp_path):
    target = Path(tmp_path / "kept.json")
    assert taped.here("conversations", "export", recorded.plain, "-o", str(target)).code == 0
    assert json.loads(target.read_text())["messages"][1]["text"] == "tell me **all**"
    target.write_text("mine")
    done = taped.here("conversations", "export", recorded.plain, "-o", str(target))
    assert done.code == 2 and "--force" in done.err and target.read_text() == "mine"
    text = taped.here("conversations", "export", recorded.plain)
    assert text.out.startswith("# ") and "## Assistant" in text.out


def test_many_are_deleted_only_when_confirmed_and_one_at_once(shell, stand_in):
    many, one = [say(stand_in), say(stand_in)], say(stand_in)
    done = shell.here("conversations", "delete", *many)
    assert done.code == 2 and "--yes" in done.err
    for answer, code in (("n", 2), ("y", 0)):
        assert all(stand_in.control.conversation(each) for each in many)
        with shell.terminal("conversations", "delete", *many) as terminal:
            terminal.expect(many[0])
            terminal.expect("Delete 2 conversations for good? [y/N]")
            terminal.type(f"{answer}\n")
            assert terminal.code() == code
    assert shell.here("conversations", "delete", one).code == 0
    left = {each["id"] for each in stand_in.control.conversations()}
    assert left.isdisjoint({*many, one})


def test_all_are_deleted_with_yes(tmp_path, borrowed):
    with StandIn(echo_pause=0.001) as site:
        shell = Shell(site.url, tmp_path)
        shell.more = borrowed | {"HUGGINGCHAT_USERNAME": "ada", "HUGGINGCHAT_PASSWORD": PASSWORD}
        say(site), say(site)
        assert len(site.control.conversations()) == 2
        done = shell.here("conversations", "delete", "--all")
        assert done.code == 2 and len(site.control.conversations()) == 2
        assert shell.here("conversations", "delete", "--all", "--yes").code == 0
        assert site.control.conversations() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nonsense"], "Not a conversation"),
        (["delete"], "or --all"),
        (["delete", GONE, "--all"], "or --all"),
        (["list", "--limit", "0"], "--limit"),
    ],
)
def test_wrong_usage_is_reported_before_a_browser_starts(stranger, arguments, said):
    done = stranger.here("conversations", *arguments)
    assert done.code == 2 and said in done.err and done.err.count("\n") == 1
    assert not stranger.home.exists()


def test_missing_folder_is_reported_before_a_browser_starts(stranger):
    done = stranger.here("conversations", "export", GONE, "-o", "/no/such/folder/x.md")
    assert done.code == 1 and "no folder" in done.err and "Make it first" in done.err
    assert not stranger.home.exists()


def test_unknown_conversation_is_an_error_of_the_chat(shell):
    done = shell.here("conversations", "show", GONE)
    assert done.code == 1 and "not found" in done.err and "Check its id" in done.err
    for ids in ([GONE], [GONE, GONE[::-1]]):
        done = shell.here("conversations", "delete", *ids, "--yes")
        assert done.code == 1 and "Nothing was deleted" in done.err


def test_settings_are_shown_and_changed(shell, stand_in):
    def shown(text):
        preferences = json.loads(text)
        preferences["extra"].pop("welcomeModalSeenAt")  # the app writes it again with every change
        return preferences

    before = shown(shell.here("settings", "show", "--json").out)
    done = shell.here("settings", "set", "--for", "deepseek", "--system", "Be\nbrief.", "--effort", "high")
    assert done.code == 0
    assert "deepseek-ai/DeepSeek-R1\thigh\tBe brief." in done.out
    done = shell.here("settings", "set", "--for", "deepseek", "--no-system", "--effort", "default", "--json")
    assert shown(done.out) == before


@pytest.mark.parametrize(
    "arguments", [[], ["--for", "llama"], ["--system", "x", "--no-system"], ["--effort", "most"]]
)
def test_settings_that_change_nothing_are_wrong_usage(stranger, arguments):
    done = stranger.here("settings", "set", *arguments)
    assert done.code == 2 and done.err.count("\n") == 1
    assert not stranger.home.exists()


def test_artifacts_are_listed_saved_and_published_after_a_question(shell, stand_in, tmp_path):
    page = '<artifact identifier="clock" type="html" title="A clock"><p>one</p></artifact>'
    folder = tmp_path / "pages"
    asked = ("ask", "--via", "page", "--save-artifacts", str(folder))
    done = shell.here(*asked, f"recite «{page}»")
    assert (done.code, (folder / "clock.html").read_text()) == (0, "<p>one</p>"), done.err
    which = stand_in.control.heard[-1]["conversation"]
    listed = shell.here("conversations", "artifacts", which, "--save", str(folder))
    assert (listed.code, listed.out) == (0, "clock\thtml\t1\tA clock\n")
    assert (folder / "clock-2.html").is_file()
    refused = shell.here("conversations", "deploy", which, "clock")
    assert (refused.code, "Give --yes if you mean it" in refused.err) == (2, True)
    missing = shell.here("conversations", "deploy", which, "watch", "--yes")
    assert (missing.code, "It has: clock." in missing.err) == (2, True)
    assert not stand_in.control.published
    with shell.terminal("conversations", "deploy", which, "clock") as terminal:
        terminal.expect("as a Space that only you can see?")
        terminal.type("n\n")
        terminal.expect("Nothing was published")
        assert terminal.code() == 2
    made = shell.here("conversations", "deploy", which, "clock", "--yes")
    assert (made.code, made.out) == (0, "https://huggingface.co/spaces/ada/a-clock\n")
    assert [each["private"] for each in stand_in.control.published] == [True]
