"""The fold of one turn: takes the updates of its stream, returns its events, makes the answer at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from huggingchat_agent import events
from huggingchat_agent.answer import Answer, File, Router, Source, Timing, ToolUse
from huggingchat_agent.wire import elicitations, final_text, think, updates

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.wire.conversations import StoredMessage

E = TypeVar("E", bound=events.TurnEvent)


class Fold:
    """The state of one turn from its updates, whether they come by stream or by reattaching.

    `terminal` is None until the app says how the turn ended: "final" (the text is complete), then "finished";
    or "error", with the app's update in `error`. `tools`, `files`, `sources`, `title`, `router` and
    `questions` grow with the updates.
    """

    def __init__(
        self, conversation_id: str, turn: int, sent: float, bind: Callable[[File], File] | None = None
    ) -> None:
        """`sent` in monotonic seconds; `bind` lets a file read its bytes."""
        self.sent = sent
        self._bind = bind
        self.terminal: str | None = None
        self.error: updates.Errored | None = None
        self.tools: dict[str, ToolUse] = {}
        self.files: list[File] = []
        self.sources: list[Source] = []
        self.title: str | None = None
        self.router: Router | None = None
        self._conversation_id, self._turn, self._seq = conversation_id, turn, 0
        self._content: list[str] = []
        self._text: list[str] = []
        self._length = 0  # characters of text handed out
        self._reasoning: list[str] = []
        self.splitter = think.ThinkSplitter()
        self._rounds: list[int] = []  # where rounds of the content begin, in UTF-16 units
        self._elsewhere = 0  # units of text that stored tokens only count
        self._final: updates.FinalAnswer | None = None
        self.questions: set[str] = set()  # ids of open questions of tools
        self._first_token: float | None = None
        self._last_token: float | None = None

    # The state so far.

    @property
    def content(self) -> str:
        """All tokens put together, `<think>` markup included."""
        return "".join(self._content)

    @property
    def text(self) -> str:
        """The text of the answer so far, without reasoning."""
        held = self.splitter.held if self.splitter.kind == "text" else ""
        return "".join(self._text) + held

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        held = self.splitter.held if self.splitter.kind == "reasoning" else ""
        return "".join(self._reasoning) + held

    @property
    def final(self) -> str | None:
        """The app's final text, None until it sends one."""
        return None if self._final is None else self._final.text

    @property
    def interrupted(self) -> bool:
        """Whether the app says that the answer was cut short."""
        return bool(self._final and self._final.interrupted)

    @property
    def parked(self) -> bool:
        """Whether the run has ended for now and continues when a question is answered."""
        return self.terminal == "finished" and self._final is None and self.asking

    @property
    def asking(self) -> bool:
        """Whether a question of a tool is open."""
        return bool(self.questions)

    @property
    def waiting(self) -> bool:
        """Whether the run waits for a tool's result or for an answer to a question."""
        return self.asking or any(use.status == "running" for use in self.tools.values())

    def merge_content(self) -> str:
        """The content as the app stores it, computed from the stream."""
        return final_text.merge_final(
            self.content, self.final, tools=bool(self.tools), interrupted=self.interrupted
        )

    def split(self, content: str) -> tuple[str, str]:
        """Text and reasoning of the message's content."""
        return think.split(content, self._rounds)

    # Events.

    def stamp(self, kind: type[E], at: float, **fields: Any) -> E:
        """An event of this turn with the next number."""
        self._seq += 1
        return kind(conversation_id=self._conversation_id, turn=self._turn, seq=self._seq, at=at, **fields)

    def take_plain(self, text: str, at: float) -> events.Token:
        """As `feed` for a token with some text, in fewer steps. Only while `splitter.plain`."""
        self._content.append(text)
        return self._make_token(text, at)

    def feed(self, update: updates.Update, at: float) -> list[events.TurnEvent]:
        """Take the next update, seen at `at` (monotonic seconds); return its events, in order.

        A keep-alive has none. The final answer has one with the text that was never streamed. So all tokens
        joined are the answer's text. They are longer only if the app takes text back (white space at the end,
        text after a stop).
        """
        if type(update) is updates.Token:
            if not update.token:  # the stored form
                self._elsewhere += update.length or 0
                return []
            self._content.append(update.token)
            return self._to_events(self.splitter.feed(update.token), at)
        reader = _READERS.get(type(update))
        if reader is None:
            return []
        before = self._begin_round(at) if isinstance(update, _BETWEEN_ROUNDS) else []
        return [*before, *reader(self, update, at)]

    def _begin_round(self, at: float) -> list[events.TurnEvent]:
        self._rounds.append(self._elsewhere + think.count_units(self.content))
        return self._to_events(self.splitter.begin_round(), at)

    def _to_events(self, pieces: list[think.Piece], at: float) -> list[events.TurnEvent]:
        return [
            self._make_token(text, at) if kind == "text" else self._make_reasoning(text, at)
            for kind, text in pieces
        ]

    def _make_token(self, text: str, at: float) -> events.Token:
        self._text.append(text)
        self._length += len(text)
        if self._first_token is None:
            self._first_token = at
        self._last_token = at
        self._seq += 1
        return events.Token(
            conversation_id=self._conversation_id,
            turn=self._turn,
            seq=self._seq,
            at=at,
            text=text,
            length=self._length,
        )

    def _make_reasoning(self, text: str, at: float) -> events.Reasoning:
        self._reasoning.append(text)
        return self.stamp(events.Reasoning, at, text=text)

    # The answer.

    def answer(
        self,
        *,
        user_message_id: str,
        message_id: str,
        via: SentVia,
        generation_id: str | None,
        finished: float,
        stored: StoredMessage | None = None,
    ) -> Answer:
        """The whole answer. If `stored` is given, its content decides.

        An answer without an end was stopped: apps of 2025 do not report that.
        """
        content = (stored and stored.content) or self.merge_content()
        known = self if self._rounds or stored is None else read_stored(stored)
        text, reasoning = known.split(content)
        interrupted = self.interrupted or self.terminal is None or bool(stored and stored.interrupted)
        reason = "elicitation" if self.parked else "interrupted" if interrupted else "stop"
        return Answer(
            text=text,
            content=content,
            reasoning=reasoning or (stored and stored.reasoning) or self.reasoning,
            conversation_id=self._conversation_id,
            user_message_id=user_message_id,
            message_id=message_id,
            generation_id=generation_id,
            via=via,
            timing=Timing(
                sent=self.sent,
                first_token=self._first_token,
                last_token=self._last_token,
                finished=finished,
                tokens=len(self._text),
            ),
            files=list(self.files),
            sources=list(self.sources),
            tools=list(self.tools.values()),
            title=self.title,
            router=self.router,
            interrupted=interrupted,
            finish_reason=reason,
        )

    # One reader per kind of update.

    def _read_started(self, update: updates.Started, at: float) -> list[events.TurnEvent]:
        return [self.stamp(events.Status, at, status="started")]

    def _read_finished(self, update: updates.Finished, at: float) -> list[events.TurnEvent]:
        self.terminal = "finished"
        return [*self._flush(at), self.stamp(events.Status, at, status="finished")]

    def _read_errored(self, update: updates.Errored, at: float) -> list[events.TurnEvent]:
        self.terminal, self.error = "error", update
        return [*self._flush(at), self.stamp(events.Status, at, status="error")]

    def _read_final(self, update: updates.FinalAnswer, at: float) -> list[events.TurnEvent]:
        self._final, self.terminal = update, self.terminal or "final"
        streamed, merged = self.content, self.merge_content()
        rest = merged[len(streamed) :] if merged.startswith(streamed) else ""
        found = [*self.feed(updates.Token(rest), at), *self._flush(at)]
        if update.web_sources and not self.sources:
            found += self._add_sources(update.web_sources, at)
        return found

    def _flush(self, at: float) -> list[events.TurnEvent]:
        return self._to_events(self.splitter.close(), at)

    def _read_title(self, update: updates.Title, at: float) -> list[events.TurnEvent]:
        self.title = update.title
        return [self.stamp(events.Title, at, title=update.title)]

    def _read_reasoning(self, update: updates.ReasoningToken, at: float) -> list[events.TurnEvent]:
        return [self._make_reasoning(update.token, at)] if update.token else []

    def _read_reasoning_status(self, update: updates.ReasoningStatus, at: float) -> list[events.TurnEvent]:
        return [self.stamp(events.Reasoning, at, status=update.status)]

    def _read_router(self, update: updates.RouterMetadata, at: float) -> list[events.TurnEvent]:
        known = self.router or Router()
        self.router = Router(
            route=update.route or known.route,
            model=update.model or known.model,
            provider=update.provider or known.provider,
        )
        return [self.stamp(events.RouterChose, at, router=self.router)]

    def _read_call(self, update: updates.ToolCall, at: float) -> list[events.TurnEvent]:
        use = ToolUse(
            uuid=update.uuid,
            name=update.call.name,
            parameters=update.call.parameters or {},
            arguments=update.arguments_raw or "",
        )
        self.tools[use.uuid] = use
        about = {"uuid": use.uuid, "tool": use.name, "parameters": use.parameters, "arguments": use.arguments}
        return [self.stamp(events.ToolCalled, at, **about)]

    def _read_eta(self, update: updates.ToolEta, at: float) -> list[events.TurnEvent]:
        return [self.stamp(events.ToolEta, at, uuid=update.uuid, eta=update.eta)]

    def _read_progress(self, update: updates.ToolProgress, at: float) -> list[events.TurnEvent]:
        return [
            self.stamp(
                events.ToolProgress,
                at,
                uuid=update.uuid,
                progress=update.progress,
                total=update.total,
                message=update.message or "",
            )
        ]

    def _read_result(self, update: updates.ToolResult, at: float) -> list[events.TurnEvent]:
        result = update.result
        if result.status == "error":
            return self._fail_tool(update.uuid, result.call, result.message or "", at)
        outputs = result.outputs or []
        self.tools[update.uuid] = msgspec.structs.replace(
            self._get_tool(update.uuid, result.call), status="success", outputs=outputs
        )
        return [self.stamp(events.ToolResult, at, uuid=update.uuid, outputs=outputs)]

    def _read_tool_error(self, update: updates.ToolError, at: float) -> list[events.TurnEvent]:
        return self._fail_tool(update.uuid, None, update.message or "", at)

    def _fail_tool(
        self, uuid: str, call: updates.Call | None, message: str, at: float
    ) -> list[events.TurnEvent]:
        self.tools[uuid] = msgspec.structs.replace(self._get_tool(uuid, call), status="error", error=message)
        return [self.stamp(events.ToolFailed, at, uuid=uuid, message=message)]

    def _get_tool(self, uuid: str, call: updates.Call | None) -> ToolUse:
        """The use so far. The call itself may have come before the agent watched."""
        call = call or updates.Call()
        use = ToolUse(uuid=uuid, name=call.name, parameters=call.parameters or {})
        return self.tools.get(uuid, use)

    def _read_file(self, update: updates.File, at: float) -> list[events.TurnEvent]:
        file = File(name=update.name, sha=update.sha, mime=update.mime)
        file = self._bind(file) if self._bind else file
        self.files.append(file)
        return [self.stamp(events.FileProduced, at, file=file)]

    def _read_search(self, update: updates.SearchUpdate, at: float) -> list[events.TurnEvent]:
        return [self.stamp(events.SearchUpdate, at, message=update.message, args=update.args or [])]

    def _read_search_error(self, update: updates.SearchError, at: float) -> list[events.TurnEvent]:
        return [self.stamp(events.SearchFailed, at, message=update.message, args=update.args or [])]

    def _read_sources(self, update: updates.SearchSources, at: float) -> list[events.TurnEvent]:
        return self._add_sources(update.sources, at)

    def _add_sources(self, raw: list[dict[str, Any]], at: float) -> list[events.TurnEvent]:
        sources = [
            Source(uri=str(each.get("uri") or each.get("link") or ""), title=str(each.get("title") or ""))
            for each in raw
        ]
        self.sources += sources
        return [self.stamp(events.SearchSources, at, sources=sources)]

    def _read_search_finished(self, update: updates.SearchFinished, at: float) -> list[events.TurnEvent]:
        return [self.stamp(events.SearchFinished, at)]

    def _read_question(self, update: updates.ElicitationRequest, at: float) -> list[events.TurnEvent]:
        question = elicitations.parse_question(update)
        self.questions.add(question.elicitation_id)
        return [self.stamp(events.ElicitationRequested, at, **msgspec.structs.asdict(question))]

    def _read_resolved(self, update: updates.ElicitationResolved, at: float) -> list[events.TurnEvent]:
        self.questions.discard(update.elicitation_id)
        return [
            self.stamp(
                events.ElicitationResolved,
                at,
                elicitation_id=update.elicitation_id,
                action=update.action or "",
                resolution=update.resolution or "",
                content=update.content or {},
            )
        ]

    def _read_unknown(self, update: updates.Unknown, at: float) -> list[events.TurnEvent]:
        return [self.stamp(events.Unknown, at, raw=update.raw)]


def read_stored(message: StoredMessage) -> Fold:
    """The fold of the updates that the app stored with a message."""
    fold = Fold("", 0, 0.0)
    for raw in message.updates:
        fold.feed(updates.parse(raw), 0.0)
    return fold


# The updates between two rounds of the model: it used a tool.
_BETWEEN_ROUNDS = (updates.ToolCall, updates.ToolResult, updates.ToolError, updates.ElicitationResolved)

_READERS: dict[type[updates.Update], Callable[[Fold, Any, float], list[events.TurnEvent]]] = {
    updates.Started: Fold._read_started,
    updates.Finished: Fold._read_finished,
    updates.Errored: Fold._read_errored,
    updates.FinalAnswer: Fold._read_final,
    updates.Title: Fold._read_title,
    updates.ReasoningToken: Fold._read_reasoning,
    updates.ReasoningStatus: Fold._read_reasoning_status,
    updates.RouterMetadata: Fold._read_router,
    updates.ToolCall: Fold._read_call,
    updates.ToolEta: Fold._read_eta,
    updates.ToolProgress: Fold._read_progress,
    updates.ToolResult: Fold._read_result,
    updates.ToolError: Fold._read_tool_error,
    updates.File: Fold._read_file,
    updates.SearchUpdate: Fold._read_search,
    updates.SearchError: Fold._read_search_error,
    updates.SearchSources: Fold._read_sources,
    updates.SearchFinished: Fold._read_search_finished,
    updates.ElicitationRequest: Fold._read_question,
    updates.ElicitationResolved: Fold._read_resolved,
    updates.Unknown: Fold._read_unknown,
}
