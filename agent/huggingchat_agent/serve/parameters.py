"""Splits the parameters of a request into those with an effect, those that change nothing, and the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from huggingchat_agent.serve.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T", bound=msgspec.Struct)

ANY = object()  # every value changes nothing


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
                f"The app has nothing that {name[:60]!r} could set to this value. Leave it out, or start "
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
        raise Refusal(400, f"{name} is a number from 1 up, not {value}.", param=name)
