"""What users hold, read from the package: names, signatures, events, settings, commands, exit codes.

python -m tests.public_names            prints it
python -m tests.public_names --write    writes it to tests/public_names.json

`test_public_names.py` compares the package with that file. Nothing in it may vanish; what is new is
written there when it is released.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
import textwrap
import warnings
from enum import EnumType
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec
import typer

import huggingchat_agent
from huggingchat_agent import errors, events, pytest_plugin
from huggingchat_agent.cli import error_output
from huggingchat_agent.cli.app import app
from huggingchat_agent.settings import Given, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(__file__).with_suffix(".json")

PACKAGE = "huggingchat_agent"
# Modules that users import from. `tape.faults` is in docs/tape.md and docs/testing.md.
DOORS = ("", "sync", "provider", "testing", "errors", "events", "tape.faults")

# Classes that users make themselves: their constructors count too.
MADE_BY_USERS = {
    ".HuggingChat",
    "sync.HuggingChat",
    "provider.AuthResult",
    "provider.Conversation",
    "provider.FinishReason",
    "provider.HuggingChat",
    "provider.ImageResponse",
    "provider.Reasoning",
    "provider.Sources",
}

# What the emitter's base class shows and nobody outside calls.
INSIDES = {"emit"}

PROTOCOLS = (
    *("__aenter__", "__aexit__", "__enter__", "__exit__", "__await__", "__aiter__", "__anext__"),
    *("__iter__", "__next__", "__len__", "__getitem__", "__contains__"),
)


def public_names() -> dict[str, Any]:
    """All of it, as JSON has it. A renamed thing counts under its old name while that only warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return _read()


def _read() -> dict[str, Any]:
    return {
        "modules": {_dotted(door): sorted(names_of(door)) for door in DOORS},
        "classes": {name: members(cls, name) for name, cls in classes().items()},
        "functions": dict(sorted(_functions())),
        "errors": {cls.__name__: _error(cls) for cls in _errors()},
        "events": {cls.name: cls.__name__ for cls in events.every()},
        "json": dict(sorted(_json().items())),
        "settings": {name: repr(getattr(Settings(), name, None)) for name in sorted(Given.__annotations__)},
        "commands": commands(),
        "exit codes": exit_codes(),
        "pytest": _pytest(),
    }


def names_of(door: str) -> list[str]:
    """The names that a module offers."""
    module = _module(door)
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]


def classes() -> dict[str, type]:
    """The public classes by door and name: `.Reply`, `sync.Reply`. Errors and events count elsewhere."""
    found = {
        f"{door}.{name}": value
        for door in DOORS
        if door not in ("errors", "events")
        for name in names_of(door)
        if inspect.isclass(value := getattr(_module(door), name))
    }
    return dict(sorted(found.items()))


def members(cls: type, name: str) -> dict[str, str]:
    """What an object of a class offers: signatures of methods, "value" for what is read."""
    found = {}
    inherited = {name for kind in (list, Exception) if issubclass(cls, kind) for name in dir(kind)}
    for each in sorted({*dir(cls), *_attributes(cls)} - inherited):
        if each in PROTOCOLS and getattr(cls, each, None) is not getattr(object, each, None):
            found[each] = "protocol"
        elif not each.startswith("_") and each not in INSIDES:
            found[each] = _member(cls, each)
    if name in MADE_BY_USERS or issubclass(cls, msgspec.Struct):
        found["__init__"] = signature(cls)
    return found


def _member(cls: type, name: str) -> str:
    static = inspect.getattr_static(cls, name, None)
    if not callable(getattr(cls, name, None)):
        return "value"
    word = {classmethod: "class method ", staticmethod: "static method "}.get(type(static), "")
    value = getattr(cls, name)
    if inspect.isclass(value):
        return "value"
    return word + ("async " if inspect.iscoroutinefunction(value) else "") + signature(value)


def signature(function: Any) -> str:
    """The parameters as they are written in a `def`, without types."""
    try:
        found = inspect.signature(function)
    except ValueError:
        return "(*args, **kwargs)"
    parameters = [
        each.replace(
            annotation=inspect.Parameter.empty,
            default=each.default if each.default is inspect.Parameter.empty else _Default(each.default),
        )
        for each in found.parameters.values()
    ]
    return str(inspect.Signature(parameters))


class _Default:
    """The default of a parameter, as an expression whatever it is."""

    def __init__(self, value: object) -> None:
        self._text = repr(value)

    def __repr__(self) -> str:
        try:
            ast.parse(self._text, mode="eval")
        except SyntaxError:
            return "..."
        return self._text


def _attributes(cls: type) -> set[str]:
    """Public attributes that a constructor assigns."""
    found: set[str] = set()
    for each in cls.__mro__:
        if each.__module__.startswith(PACKAGE) and "__init__" in vars(each):
            try:
                source = textwrap.dedent(inspect.getsource(vars(each)["__init__"]))
            except (OSError, TypeError):
                continue
            found |= set(re.findall(r"^\s*self\.([a-z]\w*)(?::[^=]+)? = ", source, re.M))
    return found


def _module(door: str) -> Any:
    return importlib.import_module(_dotted(door))


def _dotted(door: str) -> str:
    return f"{PACKAGE}.{door}".rstrip(".")


def _functions() -> Iterator[tuple[str, str]]:
    for door in DOORS:
        for name in names_of(door):
            value = getattr(_module(door), name)
            if inspect.isfunction(value):
                kind = "async " if inspect.iscoroutinefunction(value) else ""
                yield f"{door}.{name}", kind + signature(value)


def _errors() -> list[type[BaseException]]:
    found = [getattr(errors, name) for name in names_of("errors")]
    return [each for each in found if inspect.isclass(each) and issubclass(each, BaseException)]


def _error(cls: type[BaseException]) -> dict[str, Any]:
    kinds = [each.__name__ for each in cls.__mro__[1:] if issubclass(each, Exception)]
    return {"is": kinds, "has": sorted(members(cls, ""))}


def _json() -> dict[str, list[str]]:
    """The keys of every object that `--json`, `to_json` and exports print, by class."""
    found: dict[str, list[str]] = {}
    seen: set[type] = set()
    waiting: list[Any] = [*events.every(), *classes().values(), huggingchat_agent.Model]
    while waiting:
        cls = waiting.pop()
        if not (inspect.isclass(cls) and issubclass(cls, msgspec.Struct)) or cls in seen:
            continue
        seen.add(cls)
        name = f"event {cls.name}" if issubclass(cls, events.Event) else cls.__name__
        found[name] = sorted(cls.__struct_encode_fields__)
        for field in msgspec.structs.fields(cls):
            waiting += _types_in(field.type)
    return found


def _types_in(kind: Any) -> Iterator[Any]:
    yield kind
    for each in getattr(kind, "__args__", ()):
        yield from _types_in(each)


def commands() -> dict[str, dict[str, str]]:
    """The command line: each command's arguments and options, and what an option takes."""
    group: Any = typer.main.get_command(app)
    found: dict[str, dict[str, str]] = {}

    def walk(command: Any, path: str) -> None:
        taken = found[path] = {}
        for number, each in enumerate(each for each in command.params if each.param_type_name == "argument"):
            taken[f"argument {number + 1}"] = "required" if each.required else "optional"
        for each in (each for each in command.params if each.param_type_name == "option"):
            for name in [*each.opts, *each.secondary_opts]:
                taken[name] = "flag" if each.is_flag else _takes(each)
        for name, below in getattr(command, "commands", {}).items():
            walk(below, f"{path} {name}")

    walk(group, "huggingchat")
    return found


def _takes(option: Any) -> str:
    annotation: Any = getattr(option.type_descriptor, "annotation", None)
    if isinstance(annotation, EnumType):
        values: list[Any] = list(annotation.__members__.values())
        return "|".join(str(each.value) for each in values)
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    return "value"


def exit_codes() -> dict[str, Any]:
    """The exit codes that the help page names, and the one of each error."""
    found: dict[str, Any] = {"help": re.findall(r"\b\d+(?= [a-z])", error_output.EXIT_CODES)}
    for cls in _errors():
        if issubclass(cls, errors.AgentError):
            found[cls.__name__] = error_output.exit_code(cls.__new__(cls))
    return found


class _Recorder:
    """Takes what the plugin adds to pytest."""

    def __init__(self) -> None:
        self.options: dict[str, str] = {}

    def getgroup(self, *names: str) -> _Recorder:
        return self

    def addoption(self, name: str, **about: Any) -> None:
        self.options[name] = "|".join(about.get("choices", ())) or about.get("action", "value")

    def addini(self, name: str, help: str, default: Any = None, **about: Any) -> None:
        self.options[f"{name} (ini)"] = repr(default)


def _pytest() -> dict[str, Any]:
    recorder: Any = _Recorder()
    pytest_plugin.pytest_addoption(recorder)
    fixtures = {
        name: inspect.signature(getattr(value, "__wrapped__", value)).parameters
        for name, value in vars(pytest_plugin).items()
        if type(value).__name__ == "FixtureFunctionDefinition" and not name.startswith("_")
    }
    return {
        "fixtures": sorted(fixtures),
        "options": recorder.options,
        "marker": re.findall(r"\b\w+(?==\.\.\.)", inspect.getsource(pytest_plugin.pytest_configure)),
    }


if __name__ == "__main__":
    text = json.dumps(public_names(), indent=1, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(text)
    else:
        sys.stdout.write(text)
