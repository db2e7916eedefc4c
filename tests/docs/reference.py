"""docs/api.md, from the docstrings and fields of the package.

python -m tests.docs.reference > docs/api.md
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

import huggingchat_agent as package
from huggingchat_agent import errors, events, sync
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.question import Option, Question
from tests.public_names import INSIDES, members

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

HEAD = """\
# Python reference

<!-- Written by `python -m tests.docs.reference > docs/api.md`; a test compares. -->

`huggingchat_agent.HuggingChat` is the API with asyncio. `huggingchat_agent.sync.HuggingChat` has the same
names without it: leave out `await` and `async`, and call `reply.result()` instead of `await reply`
([details](#without-asyncio)).
"""

_FAULTS = sys.modules[package.Fault.__module__]
_CHANGES = sys.modules[package.Preferences.__module__].Changes

VALUES = (
    package.Answer,
    package.Timing,
    package.File,
    package.ToolUse,
    package.Artifact,
    package.ArtifactVersion,
    package.Deployment,
    package.Billing,
    package.Payer,
    package.Source,
    package.Router,
    Question,
    package.Field,
    Option,
    package.Account,
    package.Model,
    package.Models,
    package.ToolServer,
    package.ServerTool,
    package.Tools,
    package.Preferences,
    _CHANGES,
    package.StoredMessage,
    package.ConversationRead,
    package.ConversationSummary,
    package.Export,
    package.ExportedMessage,
    package.Header,
    package.Item,
    package.Result,
    package.ItemError,
    package.EventLog,
)


def reference() -> str:
    """The whole page."""
    parts = [
        HEAD,
        _section(
            "Settings",
            "Each is an argument of `HuggingChat(...)`, by name. "
            "[The environment](cli.md#environment) gives what you leave out.",
        ),
        *_value(package.Settings, title=""),
        *_value(package.Deadlines),
        *_value(package.Record),
        *_object("HuggingChat", package.HuggingChat),
        *_object("Conversation", package.Conversation),
        *_object("Reply", package.Reply),
        *_object("Elicitation", package.Elicitation),
        *_object("Attached", package.Attached, maker=package.attach),
        _section("Handlers", "`HuggingChat`, `Conversation`, `Reply` and `Attached` have these."),
        *_methods(Emitter, ("on", "once", "off")),
        _section("Tapes", ""),
        *_function(package.replay),
        *_function(package.on_tape),
        "### OnTape\n\n" + _paragraphs(package.OnTape) + "\n",
        f"### Faults\n\nIn `{_FAULTS.__name__}`.\n",
        *_function(_FAULTS.cut),
        *_function(_FAULTS.stall),
        *_function(_FAULTS.status),
        *_object("Replay", package.Replay),
        _section("Many prompts", "See [batch.md](batch.md)."),
        *_function(package.batch),
        "### Cluster\n\n" + _paragraphs(package.Cluster) + "\n",
        "### Journal\n\n" + _paragraphs(package.Journal) + "\n",
        _section("Without asyncio", _paragraphs(sync)),
        *_object("Reply without asyncio", sync.Reply),
        *_function(sync.batch, "sync.batch"),
        "The other classes of `huggingchat_agent.sync` have the methods of those above, without `await`.\n",
        _section("Values", "They do not change. Those from the app's JSON hold what the app says."),
        *(part for each in VALUES for part in _value(each)),
        _section("Events", _paragraphs(events)),
        *_events(),
        _section("Errors", _paragraphs(errors)),
        *_errors(),
    ]
    return "\n".join(part for part in parts if part)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text.rstrip()}\n" if text else f"## {title}\n"


def _object(title: str, cls: type, maker: Any = None) -> Iterator[str]:
    yield _section(title, _paragraphs(cls))
    if maker is not None:
        yield from _function(maker)
    own = [name for name in members(cls, "") if not hasattr(Emitter, name) and not name.startswith("_")]
    values = [name for name in own if not callable(getattr(cls, name, None))]
    if values:
        yield "\n".join(f"- `{name}`{_about(cls, name)}" for name in values) + "\n"
    yield from _methods(cls, own)


def _about(cls: type, name: str) -> str:
    static = inspect.getattr_static(cls, name, None)
    return f": {_line(static)}" if isinstance(static, property) else ""


def _methods(cls: type, names: Collection[str]) -> Iterator[str]:
    """Those of the names, in the order they are written down in."""
    for kind in reversed(cls.__mro__):
        for name, each in vars(kind).items():
            known = name in names and inspect.isfunction(each) and getattr(cls, name) is each
            if known and "Called by" not in _paragraphs(each):
                yield from _function(each, name)


def _function(function: Any, name: str = "") -> Iterator[str]:
    name = name or function.__name__
    how = "await " if inspect.iscoroutinefunction(function) else ""
    if hasattr(function, "__wrapped__"):  # made by asynccontextmanager
        how, function = "async with ", inspect.unwrap(function)
    parameters = []
    for each in inspect.signature(function).parameters.values():
        if each.name != "self":
            parameters.append(str(each.replace(annotation=inspect.Parameter.empty)))
            if (
                each.kind is each.KEYWORD_ONLY
                and "*" not in parameters
                and not any(known.startswith("*") for known in parameters)
            ):
                parameters.insert(-1, "*")
    annotation = inspect.signature(function).return_annotation
    result = "" if annotation in ("None", inspect.Parameter.empty) else f" -> {annotation}"
    call = f"{how}{name}({', '.join(parameters)}){result}"
    yield f"### {name}\n\n```text\n{textwrap.fill(call, 110, subsequent_indent='    ')}\n```\n"
    yield _paragraphs(function) + "\n"


def _value(cls: type, title: str | None = None) -> Iterator[str]:
    title = cls.__name__ if title is None else title
    yield (f"### {title}\n\n" if title else "") + _paragraphs(cls) + "\n"
    rows = list(_fields(cls))
    if any(row[3] for row in rows):
        yield _table(("name", "type", "default", "meaning"), rows)
    elif rows:
        yield _table(("name", "type", "default"), (row[:3] for row in rows))
    rows_below = [
        f"- `{_call(each)}`: {_line(each)}"
        for name, each in vars(cls).items()
        if not name.startswith("_")
        and name not in INSIDES
        and (inspect.isfunction(each) or isinstance(each, property))
    ]
    if rows_below:
        yield "\n".join(rows_below) + "\n"


def _call(member: Any) -> str:
    if isinstance(member, property):
        return str(member.fget.__name__)  # type: ignore[union-attr]
    call = f"{member.__name__}{inspect.signature(member)}".replace("self, ", "").replace("(self)", "()")
    return ("await " if inspect.iscoroutinefunction(member) else "") + call.replace("'", "")


def _fields(cls: type) -> Iterator[tuple[str, ...]]:
    """Name, type, default and meaning of each."""
    meanings = _help(cls)
    defaults = {}
    if issubclass(cls, msgspec.Struct):
        defaults = {each.name: _default(each) for each in msgspec.structs.fields(cls)}
    for name, annotation in cls.__annotations__.items():
        tree = ast.parse(_text(annotation), mode="eval").body
        if ast.unparse(tree).startswith("ClassVar"):
            continue
        if isinstance(tree, ast.Subscript) and ast.unparse(tree.value) == "Annotated":
            assert isinstance(tree.slice, ast.Tuple)
            tree = tree.slice.elts[0]
        kind, meaning = _cell(ast.unparse(tree)), _cell(meanings.get(name, ""))
        yield f"`{name}`", f"`{kind}`", defaults.get(name, ""), meaning


def _help(cls: type) -> dict[str, str]:
    """The text of each field: the docstring below it, or the `help` of its annotation."""
    found = {}
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[node.target.id] = " ".join(str(after.value.value).split())
    if "Annotated[" in "".join(map(_text, cls.__annotations__.values())):
        for name, hint in get_type_hints(cls, include_extras=True).items():
            for each in getattr(hint, "__metadata__", ()):
                found[name] = each.help
    return found


def _default(field: Any) -> str:
    if field.default is msgspec.NODEFAULT and field.default_factory in (list, dict):
        return f"`{field.default_factory()!r}`"
    if field.default is msgspec.NODEFAULT or not isinstance(field.default, str | int | float | tuple | None):
        return ""  # needed, or depends on the machine, or is described with its own type
    return f"`{field.default!r}`"


def _text(annotation: Any) -> str:
    return str(getattr(annotation, "__forward_arg__", annotation))


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _events() -> Iterator[str]:
    rows = []
    for each in events.every():
        fields = ", ".join(f"`{name}`" for name in each.__struct_fields__ if name not in _shared(each))
        rows.append((f"`{each.name}`", f"`events.{each.__name__}`", fields, _line(each)))
    yield _table(("name", "class", "fields", "meaning"), rows)


def _shared(event: type[events.Event]) -> tuple[str, ...]:
    return events.TurnEvent.__struct_fields__ if issubclass(event, events.TurnEvent) else ()


def _errors() -> Iterator[str]:
    for each in vars(errors).values():
        if isinstance(each, type) and each.__module__ == errors.__name__ and "`" in (each.__doc__ or ""):
            yield f"- `{each.__name__}`: {_line(each)}"
    yield ""


def _attributes(cls: type) -> Iterator[str]:
    """The attributes that the constructor sets."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls.__init__)))  # type: ignore[misc]
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self":
                if isinstance(target.ctx, ast.Store):
                    yield target.attr


def _paragraphs(thing: Any) -> str:
    """Its docstring. Indented examples become blocks of Python, which the tests run."""
    text = (inspect.getdoc(thing) or "").strip()
    return re.sub(r"(?m)(?:^    .*\n?(?:\n(?=    ))?)+", _fenced, text)


def _fenced(found: re.Match[str]) -> str:
    code = textwrap.dedent(found[0])
    try:
        compile(code, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return found[0]  # a table or a tree
    return f"```python\n{code.rstrip()}\n```\n"


def _line(thing: Any) -> str:
    return _cell(" ".join(_paragraphs(thing).split()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
