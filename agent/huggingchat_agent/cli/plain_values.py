"""Values of a command line that need no conversion, or a simple one.

typer converts every value with a library that takes 0.15 s to load, longer than the rest of a command. So
typer gets only the values that it must check.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer.core

# The value of an option that is given without one.
_ALONE = {"--from-browser": "any"}


class Command(typer.core.TyperCommand):
    """A command of typer that takes plain values without that library, and options without their value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = {name for each in self.get_params(ctx) for name in each.opts} & _ALONE.keys()
        end = args.index("--") if "--" in args else len(args)
        filled = [
            f"{each}={_ALONE[each]}" if each in own and after.startswith("-") else each
            for each, after in zip(args[:end], [*args[1:end], "-"], strict=False)
        ]
        return super().parse_args(ctx, filled + args[end:])

    def get_params(self, ctx: Any) -> list[Any]:
        return _take_plainly(super().get_params(ctx))


class Group(typer.core.TyperGroup):
    """The same for a group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _take_plainly(super().get_params(ctx))


def _take_plainly(parameters: list[Any]) -> list[Any]:
    for each in parameters:
        if getattr(each, "_runtime_param", each) is None:
            each._runtime_param = _Plain(each.type_descriptor.annotation)
    return parameters


class _Plain:
    """Replaces typer's own converter for plain values, and leaves all others to it."""

    def __init__(self, kind: Any) -> None:
        self._several = get_origin(kind) is list
        self._kind = get_args(kind)[0] if self._several else kind

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if several == self._several:
            if not several and self._is_plain(value):
                return self._convert(value)
            if several and isinstance(value, list | tuple) and all(map(self._is_plain, value)):
                return [self._convert(each) for each in value]
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)

    def _is_plain(self, value: Any) -> bool:
        if get_origin(self._kind) is Literal:
            return value in get_args(self._kind)
        if self._kind is Path:
            return isinstance(value, str | Path)
        return isinstance(self._kind, type) and type(value) is self._kind

    def _convert(self, value: Any) -> Any:
        return Path(value) if self._kind is Path else value
