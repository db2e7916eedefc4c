"""Splits the parameters of a request into those with an effect, those that change nothing, and the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from huggingchat_agent.errors import UsageError
from huggingchat_agent.serve.refusals import Refusal
from huggingchat_agent.serve.tool_format import make_tools
from huggingchat_agent.structured import Form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T", bound=msgspec.Struct)

ANY = object()  # every value changes nothing

# What both APIs of OpenAI have and the app has no use for.
OF_OPENAI: dict[str, tuple[Any, ...]] = {
    "temperature": (1,),
    "top_p": (1,),
    "top_logprobs": (0,),
    "service_tier": ("auto", "default"),
    **dict.fromkeys(("user", "metadata", "store", "safety_identifier", "prompt_cache_key"), (ANY,)),
}


def read_parameters(
    body: Any, shape: type[T], neutral: Mapping[str, tuple[Any, ...]], *, lenient: bool
) -> tuple[T, tuple[str, ...]]:
    """The parameters that have an effect, and the names of those that were ignored.

    `neutral` has the values that change nothing, by name; null is always one. Any other parameter is refused
    or, where `lenient`, ignored. Raises Refusal.
    """
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be a JSON object.")
    fields = {each.encode_name for each in msgspec.structs.fields(shape)}
    ignored = []
    for name, value in body.items():
        if name in fields or value is None or _is_neutral(value, neutral.get(name, ())):
            continue
        if not lenient:
            raise Refusal(
                400,
                f"The app cannot follow {name[:60]!r} with this value. Leave it out, or start "
                "the server with --lenient to have such parameters ignored.",
                code="unsupported_parameter",
                param=name[:60],
            )
        ignored.append(name)
    try:
        given = {name: value for name, value in body.items() if name in fields and value is not None}
        return msgspec.convert(given, shape), tuple(ignored)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise Refusal(400, f"{what}.", param=where.strip("`.") or None) from None


def _is_neutral(value: Any, allowed: tuple[Any, ...]) -> bool:
    # 1 == True in Python, and not in JSON.
    return ANY in allowed or any(
        value == each and isinstance(value, bool) == isinstance(each, bool)
        for each in allowed
        if each is not ANY
    )


def check_tokens(value: int | None, name: str) -> None:
    """Raises Refusal for a number of tokens below 1."""
    if value is not None and value < 1:
        raise Refusal(400, f"{name} must be 1 or more, not {value}.", param=name)


def make_form(schema: Any, *, needs_schema: bool) -> Form:
    """The form of an answer in JSON. Raises Refusal."""
    if schema is None and needs_schema:
        raise Refusal(400, "A format of the type json_schema needs a schema.", param="response_format")
    try:
        return Form(schema)
    except UsageError as error:
        raise Refusal(400, error.message, param="response_format", code="invalid_schema") from None


def offer_tools(
    offered: Sequence[tuple[str, str, Any]], *, may_call: bool, must_call: str | None, one_call: bool
) -> dict[str, Any]:
    """The fields of a Question about the client's tools: name, description, schema. Raises Refusal."""
    try:
        tools = make_tools(offered)
    except UsageError as error:
        raise Refusal(400, error.message, param="tools", code="invalid_tool") from None
    if must_call is not None and must_call not in ("", *(each.name for each in tools)):
        raise Refusal(
            400,
            f"tool_choice names a tool that is not in the request: {must_call[:80]!r}.",
            param="tool_choice",
        )
    if must_call is not None and not tools:
        raise Refusal(400, "tool_choice asks for a call, but the request has no tools.", param="tool_choice")
    return {"tools": tools, "may_call": may_call, "must_call": must_call, "one_call": one_call}
