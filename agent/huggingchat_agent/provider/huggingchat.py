"""The provider class."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from huggingchat_agent import redact
from huggingchat_agent.errors import AgentError, SessionRejected
from huggingchat_agent.provider import answering, auth
from huggingchat_agent.provider import models as names
from huggingchat_agent.provider.auth import AuthResult
from huggingchat_agent.provider.background import Wanted, background
from huggingchat_agent.provider.errors import MissingAuthError, ids_readable, translated
from huggingchat_agent.provider.g4f_classes import kin
from huggingchat_agent.provider.media import files
from huggingchat_agent.provider.model_list import catalogue
from huggingchat_agent.provider.parts import Conversation, RequestLogin
from huggingchat_agent.provider.prompts import last_user_message
from huggingchat_agent.session.account import SESSION_COOKIE
from huggingchat_agent.settings import DEFAULT_BASE_URL, settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
    from concurrent.futures import Future

    from huggingchat_agent.huggingchat import HuggingChat as Agent
    from huggingchat_agent.provider.auth import Session
    from huggingchat_agent.provider.background import House, Work
    from huggingchat_agent.provider.prompts import Messages
    from huggingchat_agent.wire.models import Model

log = logging.getLogger("huggingchat_agent")

T = TypeVar("T")

MODELS_SECONDS = 15.0
PERSON_SECONDS = 600.0


class HuggingChat:
    """HuggingChat as a provider: class methods, one browser behind all of them (see docs/provider.md).

    Another deployment is chosen by `url` (then `origin` and `domain` are only told, not used), in a
    subclass or on this class; left as it is, HUGGINGCHAT_BASE_URL counts. `options` are settings of the
    agent by name, and come before the environment. With `use_nodriver` the engine is nodriver where
    that is installed, else Playwright, unless `options` or the environment name one.

    Raises MissingAuthError, ResponseError, MissingRequirementsError; each has the agent's own error as
    its cause.
    """

    domain = "huggingface.co"
    origin = f"https://{domain}"
    url = DEFAULT_BASE_URL
    label = "HuggingChat"

    working = True
    active_by_default = True
    use_nodriver = True
    needs_auth = True
    supports_stream = True
    supports_system_message = True
    supports_message_history = True
    use_stream_timeout = True
    live = 0

    default_model = names.default_model
    default_vision_model = names.default_vision_model
    model_aliases = names.model_aliases
    image_models: ClassVar[list[str]] = names.image_models
    text_models: ClassVar[list[str]] = names.fallback_models
    vision_models: ClassVar[list[str]] = [names.default_vision_model]
    models: ClassVar[list[str]] = []
    """The app's list, once it was read; `text_models` and `vision_models` are then taken from it too."""

    options: ClassVar[Mapping[str, Any]] = {}

    _auth: ClassVar[dict[str, AuthResult]] = {}

    @classmethod
    def get_models(
        cls, timeout: float | None = MODELS_SECONDS, *, refresh: bool = False, **_: Any
    ) -> list[str]:
        """The ids of the app's models, from its own traffic; asked for once, or anew with `refresh`.

        Never raises: where the app cannot be asked, or not within `timeout` seconds, the reason is
        logged and the fallback list returned, until the app's own is there.
        """
        try:
            asking = cls._asked_models(refresh=refresh)
            if background.inside and not asking.done():
                raise TimeoutError("asked for from within its own loop")
            return [model.id for model in asking.result(timeout)]
        except (Exception, asyncio.CancelledError) as error:
            reason = str(error) if isinstance(error, AgentError) else redact.text(repr(error))
            if isinstance(error, TimeoutError):
                reason = f"it did not come within {timeout} s"
            log.warning(
                "The model list of %s could not be read, the fallback list is used: %s",
                redact.address(cls.url),
                reason,
            )
            return list(names.fallback_models)

    @classmethod
    def get_model(cls, model: str, **_: Any) -> str:
        """The id that a name or the end of an id stands for; the name itself if none."""
        name = cls.model_aliases.get(model, model)
        if not name or name == "auto":
            return cls.default_model
        ends = (each for each in cls.get_models() if each.lower().endswith(name.lower()))
        return next(ends, name)

    @classmethod
    async def on_auth_async(
        cls,
        cookies: Mapping[str, str] | None = None,
        proxy: str | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        login_timeout: float = PERSON_SECONDS,
        **_: Any,
    ) -> AsyncGenerator[Any, None]:
        """Be signed in: yields RequestLogin if a person must act, and the AuthResult as the last.

        An `hf-chat` cookie is taken as given and proved (with `token`, where that is tied to it). Else
        it is the profile's saved session, or credentials given here or in the settings. Where there is
        none of these, a person has `login_timeout` seconds to run `huggingchat login`. An app without
        login gets a session id. Raises MissingAuthError.
        """
        with translated():
            options = cls._options(proxy=proxy)
            if cookies and cookies.get(SESSION_COOKIE):
                given = kin(AuthResult)(cookies=dict(cookies), **({"proxy": proxy} if proxy else {}))
                yield await _there(lambda house: auth.by_cookies(house, auth.wanted_by(given, options)))
                return
            wanted = Wanted(options)
            if not (username and password) and not await _there(lambda house: auth.at_hand(house, wanted)):
                person = auth.Awaited(wanted)
                await _there(person.ready)
                yield kin(RequestLogin)(cls.label, f"{settings(**options).base_url}/login")
                yield await _there(lambda house: person.come(house, login_timeout))
                return
            yield await _there(lambda house: auth.by_profile(house, wanted, username, password))

    @classmethod
    async def create_authed(
        cls,
        model: str,
        messages: Messages,
        auth_result: AuthResult | None,
        prompt: str | None = None,
        media: Iterable[Any] | None = None,
        return_conversation: bool = False,
        conversation: Conversation | None = None,
        web_search: bool = False,
        **kwargs: Any,
    ) -> AsyncGenerator[Any, None]:
        """Send, and yield the answer as it arrives.

        The Conversation comes first if wanted, then text (`str`), Reasoning, TitleGeneration and
        ImageResponse in the app's order, then Sources if there are any, and FinishReason last. In a
        `conversation` that has one with this model, the user's last message is sent; else a new one is
        made and gets all messages, the system messages as its system prompt. `media` are files, or pairs
        of file and name; `prompt` is what pictures are of, if not what the user said last. Whatever the
        app has no counterpart of is left out. Leaving early stops the run on the server.
        """
        with translated():
            if auth_result is None:
                raise SessionRejected("Nobody is signed in. Give the AuthResult of on_auth_async.")
            if ignored := sorted(name for name in kwargs if name != "proxy"):
                log.debug("Without a counterpart in the app, and left out: %s", ", ".join(ignored))
            wanted = auth.wanted_by(auth_result, cls._options(proxy=kwargs.get("proxy")))
            asked = answering.Request(
                model=model or "",
                messages=messages,
                conversation=Conversation.given(conversation),
                alt=prompt or last_user_message(messages),
                files=files(media, messages),
                web_search=bool(web_search),
                return_conversation=return_conversation,
                cookies=auth_result.cookies,
            )

            async def produce(house: House, put: Callable[[Any], None]) -> None:
                async with house.opened(wanted) as opened:
                    await answering.answer(opened.chat, asked, put)

            async with contextlib.aclosing(background.relay(produce)) as parts:
                async for part in parts:
                    yield part

    @classmethod
    async def create_async_generator(
        cls, model: str, messages: Messages, *, return_conversation: bool = True, **kwargs: Any
    ) -> AsyncGenerator[Any, None]:
        """As `create_authed`, signed in by itself first; what g4f's client calls.

        The AuthResult is kept for the process, and asked for anew, once, where the app takes it no more.
        """
        known = cls._whose(**kwargs)

        def answer(auth_result: AuthResult) -> AsyncGenerator[Any, None]:
            return cls.create_authed(
                model, messages, auth_result, return_conversation=return_conversation, **kwargs
            )

        if (kept := HuggingChat._auth.get(known)) is not None:
            begun = False
            try:
                async with contextlib.aclosing(answer(kept)) as parts:
                    async for part in parts:
                        begun = True
                        yield part
                return
            except MissingAuthError:
                HuggingChat._auth.pop(known, None)
                if begun:
                    raise
        async with contextlib.aclosing(cls.on_auth_async(**kwargs)) as steps:
            async for step in steps:
                if isinstance(step, AuthResult):
                    kept = HuggingChat._auth[known] = step
                else:
                    yield step
        assert kept is not None
        async with contextlib.aclosing(answer(kept)) as parts:
            async for part in parts:
                yield part

    @classmethod
    def create_conversation(
        cls, session: Session | AuthResult | None = None, model: str | None = None
    ) -> str:
        """Make a conversation; its id. Without a session it is made as the profile's saved one.

        Without a model the app's default is taken. Raises MissingAuthError, ResponseError (an unknown
        model among others), or RuntimeError where the app's answer holds no id.
        """

        async def make(agent: Agent) -> str:
            return (await answering.begin(agent, model)).id

        return cls._do(session, make)

    @classmethod
    def fetch_message_id(cls, session: Session | AuthResult | None, conversation_id: str) -> str:
        """The id of the conversation's last message. Raises as above; RuntimeError where it has none."""

        async def fetch(agent: Agent) -> str:
            return await answering.last_message(agent.conversation(conversation_id))

        return cls._do(session, fetch)

    @classmethod
    def send_message(
        cls,
        conversation: str | Conversation,
        prompt: str,
        *,
        media: Iterable[Any] | None = None,
        web_search: bool = False,
        session: Session | AuthResult | None = None,
    ) -> str:
        """Send a message in a conversation, by id or as one that was yielded; the text of the answer."""
        if isinstance(conversation, str):
            conversation_id = conversation
        else:
            conversation_id = list(conversation.models.values())[-1]["conversationId"]

        async def send(agent: Agent) -> str:
            more: dict[str, Any] = {"files": files(media, ())} if media else {}
            reply = agent.conversation(conversation_id).send(prompt, web_search=web_search, **more)
            return (await reply).text

        return cls._do(session, send)

    @classmethod
    def close(cls) -> None:
        """End the browser now instead of with the process. The next call starts another one."""
        background.close()

    @classmethod
    def get_dict(cls) -> dict[str, str]:
        """What clients tell about a provider."""
        return {"name": cls.__name__, "url": cls.url, "label": cls.label}

    @classmethod
    def get_parent(cls) -> str:
        return cls.__name__

    @classmethod
    def _whose(
        cls,
        *,
        cookies: Mapping[str, str] | None = None,
        username: str | None = None,
        proxy: str | None = None,
        **_: Any,
    ) -> str:
        """Where, and as whom, one is to be signed in: what is the same for two calls with one AuthResult."""
        return repr((sorted(cls._options(proxy=proxy).items()), sorted((cookies or {}).items()), username))

    @classmethod
    def _options(cls, **more: Any) -> dict[str, Any]:
        url = None if cls.url == DEFAULT_BASE_URL else cls.url
        return auth.given(url, cls.options, use_nodriver=cls.use_nodriver, **more)

    @classmethod
    def _asked_models(cls, *, refresh: bool) -> Future[list[Model]]:
        asking = catalogue.ask(cls._options(), refresh=refresh)

        def learn(done: Future[list[Model]]) -> None:
            if not done.cancelled() and not done.exception():
                cls.models = [model.id for model in done.result()]
                cls.text_models = list(cls.models)
                cls.vision_models = [model.id for model in done.result() if model.multimodal]

        asking.add_done_callback(learn)
        return asking

    @classmethod
    def _do(cls, session: Any, work: Callable[[Agent], Coroutine[Any, Any, T]]) -> T:
        """Work for a caller without a loop, or one that does not mind to wait."""
        with translated(), ids_readable():
            wanted = auth.wanted_by(session, cls._options())

            async def do(house: House) -> T:
                async with house.opened(wanted) as opened:
                    if session is None:
                        await auth.signed_in(opened)
                    return await work(opened.chat)

            return background.run(do)


async def _there(work: Work[T]) -> T:
    """Do something in the background's loop and wait for it in this one."""
    return await asyncio.wrap_future(background.submit(work))
