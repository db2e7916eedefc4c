"""Turns the text of an answer into what the client asked for: calls of its tools, JSON of a form, or text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.serve.cutting import Cutter
from huggingchat_agent.serve.tool_format import (
    ToolCall,
    ask_again,
    describe_choice,
    find_beginning,
    has_ended,
    read_calls,
)
from huggingchat_agent.structured import Misshapen

if TYPE_CHECKING:
    from huggingchat_agent.serve.question import Question


class Shaped(msgspec.Struct, frozen=True):
    """The end of an answer: the text that was not shown yet, and the calls.

    `problem` is the prompt that asks for another try, "" if none is needed; `why` says what was wrong.
    """

    rest: str = ""
    calls: tuple[ToolCall, ...] = ()
    problem: str = ""
    why: str = ""


def write_instructions(question: Question) -> str:
    """What to add to the prompt of a turn; "" for an answer in free text."""
    choice = ""
    if question.tools:
        choice = describe_choice(
            may_call=question.may_call, must_call=question.must_call, one_call=question.one_call
        )
    return choice + (question.form.instructions if question.form is not None else "")


class Shaper:
    """Takes the text in pieces, and returns what may be shown at once. `over`: no more is needed."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self.cutter = Cutter(question.stop, question.max_tokens)
        self._text = ""
        self._shown = 0

    @property
    def over(self) -> bool:
        return self.cutter.reason is not None or (bool(self._question.tools) and has_ended(self._text))

    def feed(self, text: str) -> str:
        """The new part of the text that may be shown."""
        return self._add(self.cutter.feed(text))

    def end(self) -> Shaped:
        """The rest. No more text comes."""
        rest = self._add(self.cutter.end())
        shaped = self._shape(self._text)
        return msgspec.structs.replace(shaped, rest=rest + shaped.rest)

    def end_again(self, second: str) -> Shaped:
        """The rest, after the model was asked again and wrote this text."""
        shaped = self._shape(second)
        if shaped.problem or shaped.calls or self._question.form is not None:
            return msgspec.structs.replace(shaped, rest="" if shaped.calls else shaped.rest)
        return Shaped(self._text[self._shown :])  # it meant no call: the first text was the answer

    def _add(self, text: str) -> str:
        question = self._question
        if question.form is None and not question.tools:
            return text
        self._text += text
        if question.form is not None:
            return ""
        shown, self._shown = self._shown, max(self._shown, find_beginning(self._text))
        return self._text[shown : self._shown]

    def _shape(self, text: str) -> Shaped:
        question = self._question
        cut = self.cutter.reason is not None
        if question.tools:
            found = read_calls(text, question.tools)
            problems = [] if cut else [*found.problems, *_list_misuses(found.calls, question)]
            if problems:
                return Shaped(problem=ask_again(problems), why="; ".join(problems))
            if found.calls or question.form is None:
                return Shaped(found.text[self._shown :], found.calls)
        if question.form is None or cut:
            return Shaped(text[self._shown :])
        try:
            return Shaped(question.form.read(text))
        except Misshapen as error:
            return Shaped(problem=question.form.ask_again(error), why=str(error))


def _list_misuses(calls: tuple[ToolCall, ...], question: Question) -> list[str]:
    """Mistakes of calls that are valid one by one: too many, none, or not the required one."""
    if not question.may_call:
        return ["no tool may be called in this answer"] if calls else []
    wanted = question.must_call
    if wanted is not None and not calls:
        return [f"the tool {wanted} must be called" if wanted else "one of the tools must be called"]
    if wanted and any(each.name != wanted for each in calls):
        return [f"only the tool {wanted} may be called"]
    if question.one_call and len(calls) > 1:
        return ["at most one tool may be called"]
    return []
