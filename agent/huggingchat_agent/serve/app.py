"""The routes of the endpoint."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from huggingchat_agent.serve.chat_completions import ChatCompletions
from huggingchat_agent.serve.download import Downloader
from huggingchat_agent.serve.guard import Guard
from huggingchat_agent.serve.messages import Messages
from huggingchat_agent.serve.pictures import load_pictures
from huggingchat_agent.serve.pump import Pump
from huggingchat_agent.serve.question import Outcome
from huggingchat_agent.serve.refusals import Refusal, explain
from huggingchat_agent.serve.responses import Responses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from huggingchat_agent.serve.answering import Answerer
    from huggingchat_agent.serve.keys import Key
    from huggingchat_agent.serve.protocols import Api, Rendering
    from huggingchat_agent.serve.question import Piece, Question

KEEP_ALIVE = 10.0  # seconds of silence until an empty chunk is sent

APIS: tuple[Api, ...] = (ChatCompletions(), Responses(), Messages())


class Endpoint:
    """The ASGI app, and the answers that it is giving."""

    def __init__(
        self,
        answerer: Answerer,
        key: Key,
        *,
        hosts: Iterable[str],
        exposed: bool = False,
        lenient: bool = False,
        tool_emulation: bool = True,
        keep_alive: float = KEEP_ALIVE,
        downloader: Downloader | None = None,
    ) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self._answerer, self._key, self._downloader = answerer, key, downloader or Downloader()
        self._lenient, self._tool_emulation, self._keep_alive = lenient, tool_emulation, keep_alive
        routes = [
            Route("/healthz", self._show_health, methods=["GET"]),
            Route("/pressure", self._show_pressure, methods=["GET"]),
            Route("/v1/models", self._list_models, methods=["GET"]),
            Route("/v1/models/{model:path}", self._show_model, methods=["GET"]),
            *(Route(each.path, self._make_route(each), methods=["POST"]) for each in APIS),
        ]
        handlers: dict[Any, Any] = {HTTPException: _handle_http, Exception: _handle, Refusal: _handle}
        app = Starlette(routes=routes, exception_handlers=handlers)
        self.app: ASGIApp = Guard(app, key, hosts, _shape, exposed=exposed)

    def stop(self) -> None:
        """Stop all answers, on the server too."""
        for each in list(self.tasks):
            each.cancel()

    async def _show_health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _show_pressure(self, request: Request) -> Response:
        limiter = self._answerer.limiter
        return JSONResponse({"running": limiter.running, "queued": limiter.queued, "free": limiter.free})

    async def _list_models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": await self._read_models()})

    async def _show_model(self, request: Request) -> Response:
        wanted = request.path_params["model"]
        found = next((each for each in await self._read_models() if each["id"] == wanted), None)
        if found is None:
            raise Refusal(
                404, f"The app has no model {wanted[:80]!r}.", code="model_not_found", param="model"
            )
        return JSONResponse(found)

    async def _read_models(self) -> list[dict[str, Any]]:
        try:
            models = await self._answerer.chat.models()
        except Exception as error:
            raise explain(error) from error
        return [
            {
                "id": each.id,
                "object": "model",
                "created": 0,
                "owned_by": each.id.partition("/")[0] if "/" in each.id else "chat-ui",
                "name": each.display_name or each.name or each.id,
                "multimodal": each.multimodal,
            }
            for each in models
        ]

    def _make_route(self, api: Api) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                body = msgspec.json.decode(request.state.body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Refusal(400, f"The body is not valid JSON: {error}.", code="invalid_json") from None
            question = self._limit_tools(api.parse(body, lenient=self._lenient))
            headers = {"x-huggingchat-ignored": _join_names(question.ignored)} if question.ignored else {}
            try:
                question = await load_pictures(question, self._downloader)
                question = await self._answerer.resolve_model(question)
            except Exception as error:
                raise explain(error) from error
            pump = Pump(self._answerer.answer(question, self._key.hashed), self.tasks)
            try:
                if not question.stream:
                    outcome = await _wait(pump, request)
                    return JSONResponse(api.render(question).whole(outcome), headers=headers)
                first = await self._wait_for_first(pump)
            except BaseException as error:
                pump.stop()
                if isinstance(error, Exception):
                    raise explain(error) from error
                raise
            stream = self._stream(pump, api.render(question), first)
            headers |= {"cache-control": "no-store", "x-accel-buffering": "no"}
            return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

        return answer

    def _limit_tools(self, question: Question) -> Question:
        if self._tool_emulation or not question.tools:
            return question
        if not self._lenient:
            raise Refusal(
                400,
                "This server runs with --no-tool-emulation: it takes no tools.",
                code="unsupported_parameter",
                param="tools",
            )
        return msgspec.structs.replace(
            question, tools=(), must_call=None, ignored=(*question.ignored, "tools")
        )

    async def _wait_for_first(self, pump: Pump) -> Piece | None:
        """The first piece, so that a refusal gets its own status. None if it takes long."""
        try:
            return await pump.get(self._keep_alive)
        except TimeoutError:
            return None

    async def _stream(self, pump: Pump, rendering: Rendering, first: Piece | None) -> AsyncIterator[bytes]:
        try:
            yield rendering.begin()
            piece = first
            while True:
                if isinstance(piece, Outcome):
                    yield rendering.end(piece)
                    return
                yield rendering.idle() if piece is None else rendering.add(piece)
                try:
                    piece = await pump.get(self._keep_alive)
                except TimeoutError:
                    piece = None
        except Exception as error:
            yield rendering.fail(explain(error))
        finally:
            pump.stop()


async def _wait(pump: Pump, request: Request) -> Outcome:
    """The end of the answer. Raises Refusal once the client is gone."""

    async def read() -> Outcome:
        while not isinstance(piece := await pump.get(), Outcome):
            pass
        return piece

    reading = asyncio.create_task(read())

    async def wait_for_leaving() -> None:
        await request.receive()  # the body is read, so this is the disconnect

    leaving = asyncio.create_task(wait_for_leaving())
    try:
        await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise Refusal(499, "The client went away.")
        return reading.result()
    finally:
        for each in (reading, leaving):
            each.cancel()


def _join_names(names: tuple[str, ...]) -> str:
    """Names from a request as the value of a header, without characters that a header cannot hold."""
    return ", ".join("".join(c for c in each if c.isascii() and c.isprintable())[:60] for each in names)[
        :1000
    ]


def _shape(path: str, refusal: Refusal) -> dict[str, Any]:
    api = next((each for each in APIS if each.path == path), None)
    return refusal.to_openai() if api is None else api.refuse(refusal)


async def _handle(request: Request, error: Exception) -> Response:
    refusal = explain(error)
    return JSONResponse(_shape(request.url.path, refusal), refusal.status, refusal.headers)


async def _handle_http(request: Request, error: HTTPException) -> Response:
    """The answer for an unknown path, or for another method than the path takes."""
    there = [route for route in request.app.routes if isinstance(route, Route)]
    paths = ", ".join(route.path for route in there)
    said = "This path takes another method" if error.status_code == 405 else "There is no such path"
    refusal = Refusal(error.status_code, f"{said}. There are: {paths}.", code="unknown_url")
    return JSONResponse(_shape(request.url.path, refusal), refusal.status, dict(error.headers or {}))
