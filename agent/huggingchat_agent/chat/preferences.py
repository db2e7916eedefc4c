"""The account's preferences, as the app keeps them: active model, system prompts, reasoning effort.

The app calls these settings. It takes all of them at once and resets any that are missing. So the agent
merges a change into the full set, unknown settings included, and reads it back afterwards.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import msgspec

from huggingchat_agent.chat.inputs import read_billing
from huggingchat_agent.errors import SiteError, UsageError
from huggingchat_agent.parsing import parse_choice
from huggingchat_agent.session.account import read_settings
from huggingchat_agent.user_text import require_text
from huggingchat_agent.wire import purposes, requests
from huggingchat_agent.wire.models import pick_model
from huggingchat_agent.wire.structs import convert

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from huggingchat_agent.session.session import Session
    from huggingchat_agent.wire.models import Model

Effort = Literal["low", "medium", "high"]
StreamingMode = Literal["raw", "smooth"]


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """Preferences for all conversations of the account. Mappings are by model id.

    New conversations get the `active_model`. `streaming_mode` is how the app's own page shows an answer:
    "smooth" evens out its pace, "raw" does not; the wire is the same. `providers` are "fastest", "cheapest"
    or the name of one; a model without an entry is at "auto". `artifacts` says whether a model is taught to
    write artifacts. `billing_organization` pays for the answers, "" for the account itself. `extra` has the
    app's other settings, under the app's names.
    """

    active_model: str = msgspec.field(name="activeModel", default="")
    streaming_mode: str = msgspec.field(name="streamingMode", default="")
    system_prompts: dict[str, str] = msgspec.field(name="customPrompts", default={})
    system_prompts_enabled: dict[str, bool] = msgspec.field(name="customPromptsEnabled", default={})
    reasoning_efforts: dict[str, str] = msgspec.field(name="reasoningEffortOverrides", default={})
    providers: dict[str, str] = msgspec.field(name="providerOverrides", default={})
    artifacts: dict[str, bool] = msgspec.field(name="artifactsOverrides", default={})
    billing_organization: str = msgspec.field(name="billingOrganization", default="")
    extra: dict[str, Any] = {}

    def system_prompt(self, model: str) -> str | None:
        """The system prompt of a new conversation with that model. None is the model's own prompt. "" is no
        prompt at all: the prompt is switched off.
        """
        return self.system_prompts.get(model) if self.system_prompts_enabled.get(model, True) else ""


class Changes(TypedDict, total=False):
    """What to change; the rest stays as it is. Name a model by its id, its name or an unambiguous part.

    Setting a system prompt switches it on. None in a mapping removes the entry.
    """

    active_model: str
    streaming_mode: StreamingMode
    system_prompts: Mapping[str, str | None]
    system_prompts_enabled: Mapping[str, bool]
    reasoning_efforts: Mapping[str, Effort | None]
    providers: Mapping[str, str | None]
    artifacts: Mapping[str, bool | None]
    billing_organization: str


_NAMES = {field.name: field.encode_name for field in msgspec.structs.fields(Preferences)}
_MAPPINGS = ("system_prompts", "system_prompts_enabled", "reasoning_efforts", "providers", "artifacts")
_PROVIDER = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
# The app leaves this one out while it is not set. A build that has the other one has it too.
_UNSET = {"billingOrganization": "providerOverrides"}


async def read(session: Session) -> Preferences:
    """Ask the app. Raises SiteError if it does not answer as a chat-ui does."""
    return convert(Preferences, await session.recovery.guard(lambda: read_settings(session)))


async def change(
    session: Session, lock: asyncio.Lock, models: Sequence[Model], changes: Changes
) -> Preferences:
    """Make these changes and no others. Returns what the app has afterwards.

    Raises UsageError for a value that the app does not allow and for a setting that it does not have, and
    UnknownModel; SiteError if the app accepted the change but does not keep it.
    """
    wanted = _resolve_changes(models, changes)
    if payer := changes.get("billing_organization"):
        await _check_payer(session, payer)

    async def save() -> dict[str, Any]:
        nonlocal wanted
        stored = await read_settings(session)
        wanted = _keep_known(stored, wanted, changes)
        settings = _drop_unset(_merge(stored, wanted))  # all of them: the app resets any that are missing
        await session.calls.ask(requests.build(purposes.SaveSettings(), settings), recover=False)
        return await read_settings(session)

    async with lock:
        # Both in one guard: settings read in one session must not be saved in another.
        after = await session.recovery.guard(save)
    _check_stored(after, wanted)
    return convert(Preferences, after)


def _resolve_changes(models: Sequence[Model], changes: Changes) -> dict[str, Any]:
    """The changes under the app's names, models by their ids, and checked."""
    unknown = changes.keys() - _NAMES.keys() | changes.keys() & {"extra"}
    if unknown:
        raise UsageError(f"There is no preference called {', '.join(sorted(unknown))}.")
    given: dict[str, Any] = dict(changes)
    for name in _MAPPINGS:
        if name in given:
            given[name] = {pick_model(models, model).id: value for model, value in given[name].items()}
    if "active_model" in given:
        given["active_model"] = pick_model(models, given["active_model"]).id
    _check("streaming_mode", [given["streaming_mode"]] if "streaming_mode" in given else [], StreamingMode)
    efforts = given.get("reasoning_efforts", {}).values()
    _check("reasoning_efforts", [each for each in efforts if each is not None], Effort)
    for provider in given.get("providers", {}).values():
        if provider is not None and not (isinstance(provider, str) and _PROVIDER.fullmatch(provider)):
            raise UsageError(f"A provider is auto, fastest, cheapest or the name of one, not {provider!r}.")
    require_text("The billing organization", given.get("billing_organization", ""))
    if prompts := given.get("system_prompts"):
        for text in prompts.values():
            require_text("The system prompt", text or "")
        switched = {model: None if text is None else True for model, text in prompts.items()}
        given["system_prompts_enabled"] = switched | given.get("system_prompts_enabled", {})
    return {_NAMES[name]: value for name, value in given.items()}


async def _check_payer(session: Session, name: str) -> None:
    """Raise UsageError for an organization that cannot pay for this account."""
    names = [each.preferred_username for each in (await read_billing(session)).organizations]
    if name not in names:
        there = ", ".join(names) or "none"
        raise UsageError(f"{name!r} cannot pay for this account's answers. These can: {there}.")


def _keep_known(stored: dict[str, Any], wanted: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """The changes, without a switch for prompts in apps where a prompt is always on.

    Raises UsageError for any other setting that the app does not have. It answers with all that it has.
    """
    known = {*stored, *(name for name, other in _UNSET.items() if other in stored)}
    missing = [name for name in changes if _NAMES[name] not in known]
    if missing:
        raise UsageError(f"This app has no setting for {', '.join(sorted(missing))}. Nothing was changed.")
    return {key: value for key, value in wanted.items() if key in known}


def _check(name: str, values: list[Any], allowed: object) -> None:
    for value in values:
        parse_choice(name, value, allowed, wrong=UsageError)


def _merge(stored: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    merged = dict(stored)
    for key, value in wanted.items():
        if isinstance(value, dict):
            both = {**(stored.get(key) or {}), **value}
            merged[key] = {model: each for model, each in both.items() if each is not None}
        else:
            merged[key] = value
    return merged


def _drop_unset(settings: dict[str, Any]) -> dict[str, Any]:
    """A form that JSON can carry. null means not set; the app wants such keys left out."""
    values: dict[str, Any] = msgspec.to_builtins(settings, str_keys=True)
    return {key: value for key, value in values.items() if value is not None}


def _check_stored(after: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key, value in wanted.items():
        kept = after.get(key)
        if isinstance(value, dict):
            kept = {model: (kept or {}).get(model) for model in value}
        if key in _UNSET:
            kept = kept or ""
        if kept != value:
            raise SiteError(
                f"The app took the change but did not keep it: {key} is {kept!r} now, not {value!r}. This "
                "deployment may not allow it, or another tab changed it at the same time."
            )


def choose_default(models: Sequence[Model], preferred: Preferences) -> str:
    """The account's active model if the app still has it, else its first; as the home page does."""
    if not models:
        raise UsageError("The app offers no models; it may be down. Try again later.")
    return next((model.id for model in models if model.id == preferred.active_model), models[0].id)
