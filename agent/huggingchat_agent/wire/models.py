"""The models an app offers, and a choice among them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import UnknownModel
from huggingchat_agent.wire import name_lookup
from huggingchat_agent.wire.content import is_page_data, load_part
from huggingchat_agent.wire.structs import convert, require_list

if TYPE_CHECKING:
    from collections.abc import Sequence


class Model(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One model. Fields that the app omits have defaults; keys without a field here are in `extra`.

    `text_files` is false in apps before autumn 2025: they give a model only text that was pasted.
    """

    id: str
    name: str = ""
    display_name: str = ""
    description: str = ""
    website_url: str = ""
    model_url: str = ""
    logo_url: str = ""
    dataset_name: str = ""
    dataset_url: str = ""
    preprompt: str = ""
    prompt_examples: list[dict[str, Any]] = []
    multimodal: bool = False
    multimodal_accepted_mimetypes: list[str] = []
    supports_tools: bool = False
    supports_reasoning: bool = False
    supports_artifacts: bool = False
    unlisted: bool = False
    has_inference_api: bool = msgspec.field(name="hasInferenceAPI", default=False)
    is_router: bool = False
    text_files: bool = True
    providers: list[Any] = []
    parameters: dict[str, Any] = {}
    extra: dict[str, Any] = {}


# What apps before autumn 2025 called two of them.
_OLDER_NAMES = {"tools": "supportsTools", "reasoning": "supportsReasoning"}


def parse_models(body: bytes) -> list[Model]:
    """The models of an answer of `/api/v2/models`, the older `/api/models` or page data, in the app's order.

    Raises PageChanged for any other answer. The unlisted ones of page data are left out, as other answers do.
    """
    models = _parse_list(load_part(body, "models"))
    return [each for each in models if not each.unlisted] if is_page_data(body) else models


def pick_model(models: Sequence[Model], wanted: str) -> Model:
    """The model a person means: by id, display name, either in any case, or a part only one has.

    Raises UnknownModel, which names the models with that part, else the closest ones, else the first few.
    """
    found = name_lookup.find_matches(models, wanted, _list_names)
    if len(found) == 1:
        return found[0]
    if found:
        candidates = name_lookup.list_names([model.id for model in found])
        raise UnknownModel(f"{name_lookup.quote(wanted)} could be any of: {candidates}. Say which.")
    there = name_lookup.suggest(models, wanted, _list_names, lambda each: each.id)
    raise UnknownModel(f"The app has no model {name_lookup.quote(wanted)}. {there}")


def _parse_list(raw: Any) -> list[Model]:
    if isinstance(raw, dict):
        raw = raw.get("models")
    return [_parse_model(each) for each in require_list(raw, "models")]


def _parse_model(raw: Any) -> Model:
    if isinstance(raw, dict):
        older = not raw.keys().isdisjoint(_OLDER_NAMES)
        raw = {_OLDER_NAMES.get(key, key): value for key, value in raw.items()} | {"textFiles": not older}
        for name in ("name", "displayName"):
            raw[name] = raw.get(name) or raw.get("id")
    return convert(Model, raw)


def _list_names(model: Model) -> list[str]:
    return [model.id, model.display_name, model.name]
