"""Answers that grow as Markdown: what a terminal shows in the end, and on the way."""

import io
import random
import re
import threading
import time
from itertools import groupby

import pytest

from huggingchat_agent.cli.live import PREVIEW, MarkdownView
from huggingchat_agent.cli.markdown import find_open_block, render_markdown
from huggingchat_agent.cli.terminal import Terminal
from huggingchat_agent.cli.views import PlainView, choose_view

ANSWER = (
    "# Title\n\nA paragraph with **bold** text that is long enough to be wrapped.\n\n"
    "- one\n- two\n\n  still two\n\n1. first\n2. second\n\n"
    "```python\ndef f(x):\n    return x\n\n# not a title\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n<b>html</b>\n\nThe end."
)
STEP = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Screen(io.StringIO):
    """A terminal that is as high as it needs to be: the lines it shows, scrolled away or not.

    It knows what rich uses to draw in place, and refuses what it does not know.
    """

    def __init__(self):
        super().__init__()
        self.lines, self.row, self.column = [""], 0, 0
        self.frames = []

    def isatty(self):
        return True

    def write(self, text):
        assert "".join(each[0] for each in STEP.finditer(text)) == text
        for match in STEP.finditer(text):
            self.step(match)
        self.frames.append(self.shown)
        return len(text)

    def step(self, match):
        code, letter, back, down, words = match.groups()
        if back:
            self.column = 0
        elif down:
            self.row, self.column = self.row + 1, 0
            self.lines += [""] * (self.row + 1 - len(self.lines))
        elif words:
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + words + line[self.column + len(words) :]
            self.column += len(words)
        elif letter == "A":
            self.row -= int(code or 1)
            assert self.row >= 0
        elif letter == "K":
            assert code == "2"
            self.lines[self.row] = ""
        else:
            assert letter == "m" or code in ("?25", "?7")

    @property
    def shown(self):
        return [line.rstrip() for line in self.lines]


class Edge(Screen):
    """A terminal of 40 columns that gives a character two, where rich counts one or none."""

    WIDE = "\u3164\u2028\u0600"

    def __init__(self):
        super().__init__()
        self.wraps = True

    def step(self, match):
        code, letter, *_, words = match.groups()
        if code == "?7":
            self.wraps = letter == "h"
        if not words:
            super().step(match)
            return
        for each in words:
            width = 2 if each in self.WIDE else 1
            if self.column + width > 40:
                if self.wraps:
                    super().step(STEP.fullmatch("\r")), super().step(STEP.fullmatch("\n"))
                else:
                    self.column = 40 - width
            super().step(STEP.fullmatch(each))
            self.column += width - 1


def test_character_that_a_terminal_shows_wider_spoils_no_drawing():
    screen = Edge()
    view = MarkdownView(console(screen))
    text = "".join(f"p{number} {each} {'word ' * 12}\n\n" for number, each in enumerate(Edge.WIDE * 2))
    for piece in re.findall("(?s).{1,3}", text):
        view.feed(piece)
        draw(view)
    view.end()
    shown = " ".join(screen.shown)
    assert [shown.count(f"p{number} ") for number in range(6)] == [1] * 6
    assert shown.count("word") == 6 * 12 and screen.wraps
    assert max(len(list(run)) for blank, run in groupby(screen.shown, lambda line: not line) if blank) == 1


def console(screen, height=12):
    return Terminal(file=screen, force_terminal=True, width=40, height=height)


def draw(growing):
    """A frame now, whatever the clock says."""
    growing.draw()


def drop_blank(lines):
    return [line for line in lines if line.strip()]


def render_whole(text):
    screen = Screen()
    console(screen).print(render_markdown(text))
    return drop_blank(screen.shown)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_answer_in_pieces_is_shown_as_the_whole_one(size):
    screen = Screen()
    growing = MarkdownView(console(screen))
    for start in range(0, len(ANSWER), size):
        growing.feed(ANSWER[start : start + size])
        draw(growing)
    growing.end()
    assert drop_blank(screen.shown) == render_whole(ANSWER)


def test_blocks_stand_one_line_apart():
    screen = Screen()
    growing = MarkdownView(console(screen))
    growing.feed("One.\n\n- a\n- b\n\n## Two\n\nThree.\n")
    growing.end()
    assert screen.shown == ["One.", "", " • a", " • b", "", "Two", "", "Three.", ""]


def test_long_block_shows_its_end_while_it_comes_and_all_of_it_in_the_end():
    screen, height = Screen(), 12
    growing = MarkdownView(console(screen, height))
    growing.feed("```\n")
    for number in range(100):
        growing.feed(f"line {number}\n")
        draw(growing)
    assert len(drop_blank(screen.shown)) <= height and "line 99" in "\n".join(screen.shown)
    growing.end()
    assert [line.strip() for line in drop_blank(screen.shown)] == [f"line {number}" for number in range(100)]


def test_what_is_complete_is_drawn_once():
    screen = Screen()
    growing = MarkdownView(console(screen))
    growing.feed("First paragraph.\n\nSecond")
    before = len(screen.frames)
    for _ in range(50):
        growing.feed(" more")
        draw(growing)
    growing.end()
    assert all("First paragraph." in "\n".join(frame) for frame in screen.frames[before:])
    assert screen.shown.count("First paragraph.") == 1


def test_frame_without_news_writes_nothing():
    screen = Screen()
    growing = MarkdownView(console(screen))
    growing.feed("hello")
    draw(growing)
    before = len(screen.frames)
    draw(growing)
    assert len(screen.frames) == before
    growing.end()


def test_pause_leaves_the_terminal_to_others_and_nothing_is_lost():
    screen = Screen()
    growing = MarkdownView(console(screen))
    growing.feed("Half a")
    draw(growing)
    growing.pause()
    assert drop_blank(screen.shown) == []
    screen.write("A word from elsewhere\r\n")
    growing.feed(" sentence.")
    growing.end()
    assert drop_blank(screen.shown) == ["A word from elsewhere", "Half a sentence."]


def test_long_line_shows_its_end_while_it_comes_and_all_of_it_in_the_end():
    screen = Screen()
    growing = MarkdownView(console(screen))
    text = "word " * PREVIEW + "now"
    growing.feed(text)
    draw(growing)
    assert drop_blank(screen.shown)[-1].endswith("now")
    growing.end()
    assert " ".join(drop_blank(screen.shown)).split() == text.split()


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", ""),
        ("one", ""),
        ("one\n\n", ""),
        ("one\n\ntwo", "one\n\n"),
        ("- a\n\n- b\n", ""),
        ("- a\n\nb", "- a\n\n"),
        ("```\na\n\nb", ""),
        ("```\na\n```\nb", "```\na\n```\n"),
        ("# a\nb\n===", "# a\n"),
    ],
)
def test_what_may_still_change_belongs_to_the_open_block(text, complete):
    assert text[: find_open_block(text)] == complete


def test_escape_sequences_of_an_answer_are_not_obeyed():
    screen = Screen()
    console(screen).print(render_markdown("a \x1b[2J\x07 b"))
    assert drop_blank(screen.shown) == ["a [2J b"]


def test_answer_is_plain_through_a_pipe_and_where_it_is_asked_for(capsys):
    assert isinstance(choose_view(plain=True), PlainView)
    through_a_pipe = choose_view(plain=False)
    assert isinstance(through_a_pipe, PlainView)
    through_a_pipe.feed("**a**")
    through_a_pipe.end()
    assert capsys.readouterr().out == "**a**\n"


def test_no_line_is_lost_when_two_threads_draw():
    """Tokens come, frames are drawn and others write, all at a pace that makes them meet."""
    text = "\n\n".join(f"Paragraph number {number}.\n\n- a{number}\n- b{number}" for number in range(12))
    wanted = render_whole(text)
    for seed in range(8):
        screen, pick = Screen(), random.Random(seed)
        growing = MarkdownView(console(screen))
        over = threading.Event()

        def draw_often(growing=growing, over=over):
            while not over.is_set():
                growing.draw()

        drawer = threading.Thread(target=draw_often)
        drawer.start()
        rest = text
        while rest:
            size = pick.randrange(1, 9)
            growing.feed(rest[:size])
            rest = rest[size:]
        growing.end()
        over.set()
        drawer.join()
        assert drop_blank(screen.shown) == wanted


def test_line_on_stderr_finds_the_screen_clean():
    screen = Screen()
    growing = MarkdownView(console(screen))
    errors = console(screen)
    growing.feed("First.\n\nHalf a")
    growing.draw()
    other = threading.Thread(target=lambda: errors.print("Warning: something"))
    other.start()
    other.join()
    growing.feed(" sentence.")
    growing.end()
    assert drop_blank(screen.shown) == ["First.", "Warning: something", "Half a sentence."]


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0c", "\x0b", "\x1c", "\x1e"])
@pytest.mark.parametrize("size", [1, 1000])
def test_only_markdown_says_where_a_line_ends(end, size):
    text = f"One{end}two{end}three.\n\n```\ncode{end}more\n```\n\nThe end.\n"
    screen = Screen()
    growing = MarkdownView(console(screen))
    for start in range(0, len(text), size):
        growing.feed(text[start : start + size])
        draw(growing)
    growing.end()
    assert drop_blank(screen.shown) == render_whole(text)
    assert "".join(screen.shown).count("The end.") == 1


@pytest.mark.parametrize(
    "line", ["- item {} of a list that grows", "{}. item of a list", "| row {} | cell |"], ids=str.split
)
def test_work_for_a_long_block_grows_with_its_length(line):
    screen = Screen()
    screen.step = lambda match: None  # type: ignore[method-assign]  # a screen of its own speed
    growing = MarkdownView(console(screen, 24))
    lines = [line.format(number) + "\n" for number in range(800)]
    if line.startswith("|"):
        lines.insert(1, "|---|---|\n")
    begun = time.process_time()
    for each in lines:
        growing.feed(each)
    fed = time.process_time() - begun
    growing.end()
    assert fed < 2.5 and time.process_time() - begun < 5
