"""HuggingChat for commands of the shell, in the browser of a warm session."""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING, Any

from huggingchat_agent.user_text import require_path
from huggingchat_agent.warm.conversation import WarmConversation
from huggingchat_agent.warm.protocol import Talk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from huggingchat_agent.browser.protocols import Upload
    from huggingchat_agent.chat.inputs import Billing
    from huggingchat_agent.chat.preferences import Preferences
    from huggingchat_agent.session.account import Account
    from huggingchat_agent.session.page_data import Models, Tools
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.state.cookies import Format as CookieFormat
    from huggingchat_agent.warm.client import Client
    from huggingchat_agent.wire.conversations import ConversationSummary
    from huggingchat_agent.wire.tools import ToolServer


class WarmChat:
    """The methods of `sync.HuggingChat` that commands use. They return and raise the same.

    The end of its `with` block stops what is still running, and leaves the browser to the next command.
    """

    def __init__(self, client: Client, settings: Settings) -> None:
        self.settings = settings
        self.client = client
        self._lists = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.client.close()

    def status(self) -> Account:
        """Ask the app who is signed in."""
        from huggingchat_agent.session.account import Account

        return self.client.call("status", Account)

    def models(self, *, refresh: bool = False) -> Models:
        """The app's models."""
        from huggingchat_agent.session.page_data import Models
        from huggingchat_agent.warm.results import ModelList

        result = self.client.call("models", ModelList, refresh=refresh)
        return Models(result.entries, result.source)

    def tools(self, *, refresh: bool = False, check: bool = False, own: Sequence[ToolServer] = ()) -> Tools:
        """The tool servers that the app offers, and your own."""
        from huggingchat_agent.session.page_data import Tools
        from huggingchat_agent.warm.results import ToolList, pack_tools

        result = self.client.call("tools", ToolList, refresh=refresh, check=check, own=pack_tools(own))
        return Tools(result.entries, result.source, result.missing)

    def fetch_file(self, url: str) -> Upload:
        """A file from an https address, fetched by the app."""
        from huggingchat_agent.browser.protocols import Upload

        return self.client.call("fetch_file", Upload, url=url)

    def transcribe(self, audio: Upload) -> str:
        """The text of a recording, transcribed by the app."""
        data = base64.b64encode(audio.data).decode()
        return self.client.call("transcribe", str, audio=[audio.name, data, audio.mime])

    def billing(self) -> Billing:
        """Who can pay for the answers, and who does."""
        from huggingchat_agent.chat.inputs import Billing

        return self.client.call("billing", Billing)

    def new_conversation(
        self, model: str | None = None, *, system_prompt: str | None = None, temporary: bool = False
    ) -> WarmConversation:
        """Make a conversation."""
        given = {"model": model, "system_prompt": system_prompt, "temporary": temporary}
        return self._get_conversation("new_conversation", temporary=temporary, arguments=given)

    def conversation(self, id_or_url: str) -> WarmConversation:
        """An existing conversation, by its id or address."""
        return self._get_conversation("conversation", arguments={"which": id_or_url})

    def import_share(self, id_or_link: str) -> WarmConversation:
        """Your own copy of a shared conversation."""
        return self._get_conversation("import_share", arguments={"link": id_or_link})

    def conversations(self) -> Iterator[ConversationSummary]:
        """The account's conversations, the last changed first, loaded as you iterate."""
        from huggingchat_agent.warm.results import Entries

        number, more = next(self._lists), True
        while more:
            result = self.client.call("conversations", Entries, number=number)
            yield from result.entries
            more = result.more

    def delete_conversations(
        self, which: Iterable[str | WarmConversation | ConversationSummary], *, confirmed: int
    ) -> None:
        """Delete several, in order."""
        names = [each if isinstance(each, str) else each.id for each in which]
        self.client.call("delete_conversations", Any, which=names, confirmed=confirmed)

    def preferences(self) -> Preferences:
        """The account's settings in the app."""
        from huggingchat_agent.chat.preferences import Preferences

        return self.client.call("preferences", Preferences)

    def change_preferences(self, **changes: Any) -> Preferences:
        """Change these and nothing else."""
        from huggingchat_agent.chat.preferences import Preferences

        return self.client.call("change_preferences", Preferences, **changes)

    def describe_routes(self) -> list[str]:
        """The route of each request so far that has alternatives."""
        return self.client.call("routes", list[str])

    def export_cookies(self, path: str | Path, format: CookieFormat = "state") -> None:
        """Write the session's cookies to a file."""
        self.client.call(
            "export_cookies", Any, path=str(require_path("path", path).absolute()), format=format
        )

    def _get_conversation(
        self, verb: str, *, arguments: dict[str, Any], temporary: bool = False
    ) -> WarmConversation:
        result = self.client.call(verb, Talk, **arguments)
        return WarmConversation(self.client, result, self.settings, temporary=temporary)
