"""The provider class."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from huggingchat_agent import redact
from huggingchat_agent.errors import AgentError, SessionRejected
from huggingchat_agent.log_records import log
from huggingchat_agent.provider import answering, auth
from huggingchat_agent.provider import models as names
from huggingchat_agent.provider.auth import AuthResult
from huggingchat_agent.provider.background import BrowserRequest, background
from huggingchat_agent.provider.errors import MissingAuthError, translate_errors, translate_page_changes
from huggingchat_agent.provider.g4f_classes import mix_in_g4f
from huggingchat_agent.provider.media import read_files
from huggingchat_agent.provider.model_list import model_lists
from huggingchat_agent.provider.parts import Conversation, RequestLogin
from huggingchat_agent.provider.prompts import find_last_user_message
from huggingchat_agent.session.account import SESSION_COOKIE
from huggingchat_agent.settings import DEFAULT_BASE_URL, make_settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
    from concurrent.futures import Future

    from huggingchat_agent.huggingchat import HuggingChat as Agent
    from huggingchat_agent.provider.auth import Session
    from huggingchat_agent.provider.background import BrowserOwner, Work
    from huggingchat_agent.provider.prompts import Messages
    from huggingchat_agent.wire.models import Model


T = TypeVar("T")

MODELS_SECONDS = 15.0
PERSON_SECONDS = 600.0


class HuggingChat:
    """HuggingChat as a provider: class methods, one browser behind all of them (see docs/provider.md).

    Set `url`, in a subclass or on this class, to use another deployment (`origin` and `domain` are then
    for information only). Left unset, HUGGINGCHAT_BASE_URL counts. `options` are the agent's settings by
    name; they win over the environment. With `use_nodriver` the engine is nodriver if it is installed,
    else Playwright, unless `options` or the environment name one.

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
    """The app's list, once it was read. It sets `text_models` and `vision_models` too."""

    options: ClassVar[Mapping[str, Any]] = {}

    _auth: ClassVar[dict[str, AuthResult]] = {}

    @classmethod
    def get_models(
        cls, timeout: float | None = MODELS_SECONDS, *, refresh: bool = False, **_: Any
    ) -> list[str]:
        """The ids of the app's models, from its own traffic. `refresh` reads them again.

        Never raises: if the app does not answer within `timeout` seconds, it logs the reason and returns
        the fallback list.
        """
        try:
            asking = cls._fetch_models(refresh=refresh)
            if background.inside and not asking.done():
                raise TimeoutError("the call came from within its own loop")
            return [model.id for model in asking.result(timeout)]
        except (Exception, asyncio.CancelledError) as error:
            reason = str(error) if isinstance(error, AgentError) else redact.text(repr(error))
            if isinstance(error, TimeoutError):
                reason = f"there was no answer within {timeout} s"
            log.warning(
                "The model list of %s could not be read, so this is the fallback list: %s",
                redact.address(cls.url),
                reason,
            )
            return list(names.fallback_models)

    @classmethod
    def get_model(cls, model: str, **_: Any) -> str:
        """The id for a name or for the end of an id. The name itself if there is no such id."""
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
        """Sign in: yields RequestLogin if a person must act, and the AuthResult last.

        An `hf-chat` cookie (with `token` if it is tied to that) is tried against the app. Without one,
        the profile's saved session counts, then credentials passed here or in the settings. Without any
        of these, a person has `login_timeout` seconds to run `huggingchat login`. An app without login
        gives a session id. Raises MissingAuthError.
        """
        with translate_errors():
            options = cls._read_options(proxy=proxy)
            if cookies and cookies.get(SESSION_COOKIE):
                given = mix_in_g4f(AuthResult)(cookies=dict(cookies), **({"proxy": proxy} if proxy else {}))
                yield await _run_in_background(
                    lambda owner: auth.sign_in_by_cookies(owner, auth.choose_browser(given, options))
                )
                return
            wanted = BrowserRequest(options)
            if not (username and password) and not await _run_in_background(
                lambda owner: auth.needs_no_person(owner, wanted)
            ):
                person = auth.PersonSignIn(wanted)
                await _run_in_background(person.prepare)
                yield mix_in_g4f(RequestLogin)(cls.label, f"{make_settings(**options).base_url}/login")
                yield await _run_in_background(lambda owner: person.wait(owner, login_timeout))
                return
            yield await _run_in_background(
                lambda owner: auth.sign_in_by_profile(owner, wanted, username, password)
            )

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
        """Send a message, and yield the answer as it arrives.

        The Conversation comes first if wanted; then text (`str`), Reasoning, TitleGeneration and
        ImageResponse in the app's order; then Sources if there are any; FinishReason is last.

        If `conversation` has one with this model, the user's last message is sent there. Otherwise a new one
        is made; it gets all messages, the system messages as its system prompt. `media` are files, or pairs
        of file and name. `prompt` describes the pictures; by default the user's last message does. Arguments
        that the app has no counterpart for are ignored. Leaving early stops the run on the server.
        """
        with translate_errors():
            if auth_result is None:
                raise SessionRejected("Nobody is signed in. Pass the AuthResult that on_auth_async yields.")
            if ignored := sorted(name for name in kwargs if name != "proxy"):
                log.debug("Ignored, because the app has no counterpart: %s", ", ".join(ignored))
            wanted = auth.choose_browser(auth_result, cls._read_options(proxy=kwargs.get("proxy")))
            asked = answering.Request(
                model=model or "",
                messages=messages,
                conversation=Conversation.adopt(conversation),
                alt=prompt or find_last_user_message(messages),
                files=read_files(media, messages),
                web_search=bool(web_search),
                return_conversation=return_conversation,
                cookies=auth_result.cookies,
            )

            async def produce(owner: BrowserOwner, put: Callable[[Any], None]) -> None:
                async with owner.use(wanted) as opened:
                    await answering.answer(opened.chat, asked, put)

            async with contextlib.aclosing(background.relay(produce)) as parts:
                async for part in parts:
                    yield part

    @classmethod
    async def create_async_generator(
        cls, model: str, messages: Messages, *, return_conversation: bool = True, **kwargs: Any
    ) -> AsyncGenerator[Any, None]:
        """Like `create_authed`, but it signs in first; g4f's client calls this.

        The AuthResult is kept for the process. If the app no longer accepts it, it signs in again, once.
        """
        known = cls._identify_caller(**kwargs)

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
        """Make a conversation and return its id. Without a session, the profile's saved one counts.

        Without a model, the app's default counts. Raises MissingAuthError, ResponseError (for an unknown
        model, for example), or RuntimeError if the app's answer holds no id.
        """

        async def make(agent: Agent) -> str:
            return (await answering.begin_conversation(agent, model)).id

        return cls._run(session, make)

    @classmethod
    def fetch_message_id(cls, session: Session | AuthResult | None, conversation_id: str) -> str:
        """The id of the conversation's last message. RuntimeError if it has none; else raises as above."""

        async def fetch(agent: Agent) -> str:
            return await answering.find_last_message_id(agent.conversation(conversation_id))

        return cls._run(session, fetch)

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
        """Send a message and return the text of the answer. `conversation` is an id, or a yielded one."""
        if isinstance(conversation, str):
            conversation_id = conversation
        else:
            conversation_id = list(conversation.models.values())[-1]["conversationId"]

        async def send(agent: Agent) -> str:
            more: dict[str, Any] = {"files": read_files(media, ())} if media else {}
            reply = agent.conversation(conversation_id).send(prompt, web_search=web_search, **more)
            return (await reply).text

        return cls._run(session, send)

    @classmethod
    def close(cls) -> None:
        """Close the browser now instead of with the process. The next call starts another one."""
        background.close()

    @classmethod
    def get_dict(cls) -> dict[str, str]:
        """The facts about a provider that clients show."""
        return {"name": cls.__name__, "url": cls.url, "label": cls.label}

    @classmethod
    def get_parent(cls) -> str:
        return cls.__name__

    @classmethod
    def _identify_caller(
        cls,
        *,
        cookies: Mapping[str, str] | None = None,
        username: str | None = None,
        proxy: str | None = None,
        **_: Any,
    ) -> str:
        """The app and the account, as a key: two calls with the same key share one AuthResult."""
        return repr(
            (sorted(cls._read_options(proxy=proxy).items()), sorted((cookies or {}).items()), username)
        )

    @classmethod
    def _read_options(cls, **more: Any) -> dict[str, Any]:
        url = None if cls.url == DEFAULT_BASE_URL else cls.url
        return auth.read_options(url, cls.options, use_nodriver=cls.use_nodriver, **more)

    @classmethod
    def _fetch_models(cls, *, refresh: bool) -> Future[list[Model]]:
        asking = model_lists.fetch(cls._read_options(), refresh=refresh)

        def learn(done: Future[list[Model]]) -> None:
            if not done.cancelled() and not done.exception():
                cls.models = [model.id for model in done.result()]
                cls.text_models = list(cls.models)
                cls.vision_models = [model.id for model in done.result() if model.multimodal]

        asking.add_done_callback(learn)
        return asking

    @classmethod
    def _run(cls, session: Any, work: Callable[[Agent], Coroutine[Any, Any, T]]) -> T:
        """Do work for a synchronous caller, and wait for it."""
        with translate_errors(), translate_page_changes():
            wanted = auth.choose_browser(session, cls._read_options())

            async def run(owner: BrowserOwner) -> T:
                async with owner.use(wanted) as opened:
                    if session is None:
                        await auth.ensure_signed_in(opened)
                    return await work(opened.chat)

            return background.run(run)


async def _run_in_background(work: Work[T]) -> T:
    """Do work in the background's loop, and wait for it in this one."""
    return await asyncio.wrap_future(background.submit(work))
