"""`chat`, at a terminal and through a pipe."""

import pytest

pytestmark = pytest.mark.browser

PROMPT = "› "
LONG = "count 3000 every 10"


def test_dialogue_goes_on_in_one_conversation_until_quit(shell, stand_in):
    with shell.terminal("chat", "--via", "page") as terminal:
        terminal.expect("/quit")
        for said in ("first", "second"):
            terminal.expect(PROMPT)
            terminal.type(f"{said}\n")
            terminal.expect(f"You said: {said}")
        terminal.expect(PROMPT)
        terminal.type("/url\n")
        conversation = stand_in.control.conversations()[0]
        terminal.expect(f"{stand_in.url}/conversation/{conversation['id']}")
        terminal.expect(PROMPT)
        terminal.type("/quit\n")
        assert terminal.code() == 0
    prompts = [each["content"] for each in conversation["messages"] if each["from"] == "user"]
    assert prompts == ["first", "second"]


def test_interrupt_stops_the_answer_and_twice_ends(shell, stand_in):
    with shell.terminal("chat") as terminal:
        terminal.expect(PROMPT)
        terminal.type(f"{LONG}\n")
        terminal.expect("@")  # some token: a busy machine shows many at once, and the end of a long answer
        terminal.interrupt()
        terminal.expect("Stopped. Ctrl-C again ends.")
        assert stand_in.control.conversations()[0]["messages"][-1]["interrupted"] is True
        terminal.expect(PROMPT)
        terminal.type("hello\n")
        terminal.expect("You said: hello")
        terminal.expect(PROMPT)
        terminal.type("half a line")
        terminal.expect("half a line")
        terminal.interrupt()
        terminal.expect("Ctrl-C again ends.")
        terminal.expect(PROMPT)
        terminal.type("again")
        terminal.expect("again")
        terminal.interrupt()
        assert terminal.code() == 130
    assert not shell.processes()


def test_failed_answer_does_not_end_the_dialogue(shell):
    with shell.terminal("chat", "--via", "page", "--temporary") as terminal:
        terminal.expect(PROMPT)
        terminal.type("die 3\n")
        terminal.expect("Error: ")
        terminal.expect(PROMPT)
        terminal.type("\x04")
        assert terminal.code() == 0


def test_lines_of_a_pipe_are_asked_one_after_the_other(shell):
    done = shell("chat", "--via", "page", stdin="one\n\ntwo\n")
    assert (done.code, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert first.startswith("You said: one") and second.startswith("You said: two")


def test_slash_commands_do_what_the_page_can(shell, stand_in, tmp_path):
    (tmp_path / "note.txt").write_text("what the file says")
    (tmp_path / "said.ogg").write_bytes(b"what was heard")
    web = {"https://files.example.org/n.md": ("text/markdown", b"# Hello")}
    stand_in.control.switch(web=web, transcription=True)
    target = tmp_path / "talk.md"
    script = [
        "first",
        "/retry",
        "/edit second",
        f"/file {tmp_path / 'note.txt'}",
        "third",
        "/model qwen",
        "/attach https://files.example.org/n.md",
        "//fourth",
        f"/voice {tmp_path / 'said.ogg'}",
        f"/export {target}",
        "/list",
        "/new",
        "fifth",
        "/url",
        "/quit",
    ]
    before = len(stand_in.control.conversations())
    done = shell("chat", "--via", "page", stdin="\n".join(script) + "\n")
    assert (done.code, done.err) == (0, "")
    new, old, *_ = stand_in.control.conversations()
    assert len(stand_in.control.conversations()) == before + 2
    said = [each["content"] for each in old["messages"] if each["from"] == "user"]
    assert said == ["first", "second", "third", "/fourth", "what was heard"]
    by_id = {each["id"]: each for each in old["messages"]}
    first = next(each for each in old["messages"] if each["content"] == "first")
    assert [by_id[each]["from"] for each in first["children"]] == ["assistant"] * 2
    sent = [file["name"] for each in old["messages"] for file in each.get("files") or ()]
    assert sent == ["note.txt", "n.md"]
    assert old["model"] == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert "## You\n\nsecond\n" in target.read_text() and "You said: first" not in target.read_text()
    assert new["messages"][1]["content"] == "fifth"
    assert old["id"] in done.out and done.out.endswith(f"/conversation/{new['id']}\n")


def test_unknown_slash_command_is_not_sent(shell, stand_in):
    before = len(stand_in.control.conversations())
    with shell.terminal("chat", "--via", "page", "--temporary") as terminal:
        for said, answer in (
            ("/modle qwen", "There is no command /modle"),
            ("/edit x", "no message to edit"),
            ("/file /no/such", "cannot be read"),
            ("/voice /no/such", "cannot be read"),
            ("/attach http://files.example.org/", "https addresses only"),
            (f"/export {__file__}", "Give another name."),
            ("/help", "/export"),
            ("/usr/bin is a folder", "You said: /usr/bin is a folder"),
        ):
            terminal.expect(PROMPT)
            terminal.type(f"{said}\n")
            terminal.expect(answer)
        terminal.expect(PROMPT)
        terminal.type("\x04")
        assert terminal.code() == 0
    assert len(stand_in.control.conversations()) == before
