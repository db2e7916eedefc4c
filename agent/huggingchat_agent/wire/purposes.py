"""The purposes of the app's requests: a class for each, with the fields of its address."""

from __future__ import annotations

import msgspec


class Purpose(msgspec.Struct, frozen=True):
    """Base of all purposes."""


class OfConversation(Purpose, frozen=True):
    """Base of the purposes that concern one conversation."""

    conversation_id: str


class SendMessage(OfConversation, frozen=True):
    """A message, a retry, an edit or a resumption: the answer is a stream."""


class CreateConversation(Purpose, frozen=True):
    """A new conversation."""


class ReadConversation(OfConversation, frozen=True):
    """One conversation with its messages, in any of its three forms."""


class ListConversations(Purpose, frozen=True):
    """A page of the list of conversations, from 0."""

    page: int = 0


class ListModels(Purpose, frozen=True):
    """The models."""


class ReadUser(Purpose, frozen=True):
    """Who is signed in."""


class ReadSettings(Purpose, frozen=True):
    """The user's settings."""


class SaveSettings(Purpose, frozen=True):
    """The user's settings, all of them."""


class ChangeConversation(OfConversation, frozen=True):
    """A new title or another model."""


class DeleteConversation(OfConversation, frozen=True):
    """Deleting a conversation."""


class ShareConversation(OfConversation, frozen=True):
    """A public snapshot of a conversation."""


class ImportShare(Purpose, frozen=True):
    """The account's copy of a shared snapshot."""


class ReadFile(OfConversation, frozen=True):
    """A file that a conversation holds."""

    sha: str


class AnswerElicitation(OfConversation, frozen=True):
    """The answer to a question of a tool."""


class DeploySpace(Purpose, frozen=True):
    """A Space of the account that shows an artifact."""


class FetchUrl(Purpose, frozen=True):
    """A file from an address, fetched by the app."""

    url: str = ""


class Transcribe(Purpose, frozen=True):
    """The text of a recording."""


class ReadBilling(Purpose, frozen=True):
    """Who can pay for the account's answers."""


class FeatureFlags(Purpose, frozen=True):
    """The features that this deployment has switched on."""


class StopGenerating(OfConversation, frozen=True):
    """Stopping a run."""


class Reattach(OfConversation, frozen=True):
    """The stream of a run from a certain line on. `generation_id` is "" for the newest run."""

    generation_id: str = ""
    from_seq: int = 0  # the line that it follows; 0 for all of it


class Live(Purpose, frozen=True):
    """Notices of all runs of the user."""


class McpServers(Purpose, frozen=True):
    """The tool servers the app offers."""


class CheckMcpServer(Purpose, frozen=True):
    """The tools of a tool server. Its body may hold headers that are secret."""


class PageData(Purpose, frozen=True):
    """The data of a page other than a conversation (`__data.json`). `path` is the page's."""

    path: str


class Login(Purpose, frozen=True):
    """The first request of a sign-in."""


class LoginCallback(Purpose, frozen=True):
    """The return from the identity provider. Its address holds secrets."""


class Logout(Purpose, frozen=True):
    """Signing out."""


class Document(Purpose, frozen=True):
    """A page. `path` is without base path, query and slash at the end."""

    path: str


class Other(Purpose, frozen=True):
    """Anything else, outside the app as well."""
