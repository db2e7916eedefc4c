"""The parts that the provider yields besides text. `str()` of each is its text for a terminal."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from huggingchat_agent.provider.g4f_classes import mix_in_g4f

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class ResponseType:
    """Base of all parts."""

    def __str__(self) -> str:
        return ""


class HiddenResponse(ResponseType):
    """A part without content. It shows as an empty text."""


class JsonMixin:
    """Attributes by name, converted to JSON and back."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def get_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


class RequestLogin(HiddenResponse):
    """A person has to sign in at `login_url`. The next part waits for that."""

    def __init__(self, label: str, login_url: str) -> None:
        self.label = label
        self.login_url = login_url

    def to_string(self) -> str:
        return f"[Sign in to {self.label}]({self.login_url})\n\n"


class TitleGeneration(HiddenResponse):
    """The app named the conversation."""

    def __init__(self, title: str) -> None:
        self.title = title


class FinishReason(JsonMixin, HiddenResponse):
    """The last part: "stop", "interrupted" or "elicitation" (see `Answer.finish_reason`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason: str


class Reasoning(ResponseType):
    """Some of the model's reasoning (`token`), or a line about it (`status`)."""

    def __init__(
        self,
        token: str | None = None,
        label: str | None = None,
        status: str | None = None,
        is_thinking: str | None = None,
    ) -> None:
        self.token = token
        self.label = label
        self.status = status
        self.is_thinking = is_thinking

    def __str__(self) -> str:
        if self.is_thinking is not None:
            return self.is_thinking
        if self.token is not None:
            return self.token
        if self.status is None:
            return ""
        return f"{self.label}: {self.status}\n" if self.label else f"{self.status}\n"

    def get_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


class Sources(ResponseType):
    """The pages an answer refers to: in `list`, each with `url` and perhaps `title`."""

    def __init__(self, sources: Iterable[Mapping[str, str]]) -> None:
        self.list: list[dict[str, str]] = []
        for source in sources:
            self.add_source(source)

    def add_source(self, source: Mapping[str, str] | str) -> None:
        """Add a page. Its address may also be called `link`; without an address it is left out."""
        fields = {"url": source} if isinstance(source, str) else dict(source)
        url = fields.get("url") or fields.get("link")
        if url:
            self.list.append({**fields, "url": url})

    def __str__(self) -> str:
        lines = [
            f"> [{number}] [{each.get('title') or each['url']}]({each['url']})"
            for number, each in enumerate(self.list)
        ]
        return "\n\n" + "\n>\n".join(lines) if lines else ""


class ImageResponse(ResponseType):
    """A picture the run produced: its address, or a `data:` URI where the app stored none.

    `alt` is the prompt. `options["cookies"]` are the cookies that the address needs.
    """

    def __init__(self, urls: str | Sequence[str], alt: str, options: Mapping[str, Any] | None = None) -> None:
        self.urls = urls
        self.alt = alt
        self.options = dict(options or {})

    def get(self, key: str, default: Any = None) -> Any:
        return self.options.get(key, default)

    def get_list(self) -> list[str]:
        return [self.urls] if isinstance(self.urls, str) else list(self.urls)

    def to_string(self) -> str:
        alt = " ".join(self.alt.split())
        return "\n".join(f"[![{alt}]({url})]({url})" for url in self.get_list())

    def __str__(self) -> str:
        return self.to_string()


class JsonConversation(JsonMixin, ResponseType):
    """Base of the values with which a provider continues a conversation."""


class Conversation(JsonConversation):
    """Conversations of the app by model: `models[model]` is {"conversationId": ..., "messageId": ...}.

    `messageId` is the last message. To JSON by `get_dict()`, back by `Conversation.from_dict()`.
    """

    def __init__(self, models: dict[str, dict[str, str]] | None = None) -> None:
        super().__init__(models={} if models is None else models)
        self.models: dict[str, dict[str, str]]

    @staticmethod
    def adopt(value: Any) -> Conversation:
        """A conversation from the caller's, which may come from JSON or be of another class; empty for None.

        It shares the caller's `models`, so that the caller's object stays up to date.
        """
        models = value.get("models") if isinstance(value, dict) else getattr(value, "models", None)
        return mix_in_g4f(Conversation)(models)

    @staticmethod
    def given(value: Any) -> Conversation:
        """The old name of `adopt`, for one more version."""
        warnings.warn("Conversation.given is now Conversation.adopt.", DeprecationWarning, stacklevel=2)
        return Conversation.adopt(value)
