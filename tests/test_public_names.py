"""What users hold stays: nothing of `public_names.json` may vanish or take less than it did."""

import ast
import inspect
import json
import operator
import re

import pytest

import huggingchat_agent
from huggingchat_agent import sync
from huggingchat_agent.settings import make_settings
from tests.public_names import FILE, PROTOCOLS, members, public_names, signature

# What is gone for a reason: where it was, and the reason.
GONE = {
    "/classes/.Attached/open": "`attach` opens the page; nobody else had what it took",
}

# Every variable of the environment with a value, and what a setting then is.
ENVIRONMENT = [
    ("BASE_URL", "http://127.0.0.1:1/x", "base_url", "http://127.0.0.1:1/x"),
    ("BROWSER", "/opt/chrome", "browser", "/opt/chrome"),
    ("BROWSER_ARGS", "--mute-audio '--lang=de at'", "browser_args", ("--mute-audio", "--lang=de at")),
    ("CHANNEL", "msedge", "channel", "msedge"),
    ("CONNECT", "http://127.0.0.1:9222", "connect", "http://127.0.0.1:9222"),
    ("ENGINE", "nodriver", "engine", "nodriver"),
    ("HEADED", "yes", "headless", False),
    ("HOME", "/tmp/state", "home.name", "state"),
    ("ISOLATED", "yes", "isolated", True),
    ("PASSWORD", "correct horse", "password.reveal", "correct horse"),
    ("PROFILE", "work", "profile", "work"),
    ("PROFILE_IN_USE", "refuse", "profile_in_use", "refuse"),
    ("PROXY", "http://127.0.0.1:3128", "proxy.server", "http://127.0.0.1:3128"),
    ("RECORD", "/tmp/run.tape", "record.path.name", "run.tape"),
    ("REPLAY", "/tmp/run.tape", "replay.name", "run.tape"),
    ("SKIP_PICTURES", "yes", "skip_pictures", True),
    ("TOTP_SECRET", "JBSWY3DPEHPK3PXP", "totp_secret.reveal", "JBSWY3DPEHPK3PXP"),
    ("USER_DATA_DIR", "/tmp/folder", "user_data_dir.name", "folder"),
    ("USERNAME", "ada", "username", "ada"),
    ("VIA", "page", "via", "page"),
]


def list_losses(before, now, where):
    """What was there and is not any more, or is something else: one line each."""
    if isinstance(before, dict):
        for name, value in before.items():
            if isinstance(now, dict) and name in now:
                yield from list_losses(value, now[name], f"{where}/{name}")
            else:
                yield f"{where}/{name}: gone"
    elif isinstance(before, list):
        yield from (f"{where}/{each}: gone" for each in before if each not in now)
    elif "(" in str(before) and before.endswith(")") and not where.startswith("/settings"):
        yield from (f"{where}: {what}; was {before}, is {now}" for what in list_narrowed(before, str(now)))
    elif "|" in str(before):
        if not set(before.split("|")) <= set(str(now).split("|")):
            yield f"{where}: was {before}, is {now}"
    elif before != now and (before, now) != ("required", "optional"):
        yield f"{where}: was {before}, is {now}"


def list_narrowed(before, now):
    """Calls that the signature before took and the one now does not."""
    if before.split("(")[0] != now.split("(")[0]:
        yield "is called in another way"
        return
    old, new = parse_parameters(before), parse_parameters(now)
    keywords = inspect.Parameter.KEYWORD_ONLY
    for name, each in old.items():
        other = new.get(name)
        if other is None:
            yield f"takes no {name}"
        elif other.kind != each.kind and (each.kind, other.kind) != (keywords, each.POSITIONAL_OR_KEYWORD):
            yield f"{name} is given in another way"
        elif each.default is not each.empty and other.default != each.default:
            yield f"{name} has another default"
    places = [name for name, each in old.items() if each.kind == each.POSITIONAL_OR_KEYWORD]
    if (
        places
        != [name for name, each in new.items() if each.kind == each.POSITIONAL_OR_KEYWORD][: len(places)]
    ):
        yield "its arguments have other places"
    for name, each in new.items():
        if (
            name not in old
            and each.default is each.empty
            and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        ):
            yield f"wants {name}"


def parse_parameters(written):
    """The parameters of a signature that is written down, defaults as they are written."""
    tree = ast.parse(f"def f({written.split('(', 1)[1]}: ...").body[0]
    assert isinstance(tree, ast.FunctionDef)
    taken = tree.args
    missing = [None] * (len(taken.posonlyargs) + len(taken.args) - len(taken.defaults))
    kinds = inspect.Parameter
    rows = [
        *((each, kinds.POSITIONAL_ONLY) for each in taken.posonlyargs),
        *((each, kinds.POSITIONAL_OR_KEYWORD) for each in taken.args),
        *((each, kinds.KEYWORD_ONLY) for each in taken.kwonlyargs),
    ]
    found = {
        each.arg: kinds(each.arg, kind, default=ast.unparse(default) if default else kinds.empty)
        for (each, kind), default in zip(rows, [*missing, *taken.defaults, *taken.kw_defaults], strict=True)
    }
    if taken.vararg:
        found["*"] = kinds(taken.vararg.arg, kinds.VAR_POSITIONAL)
    if taken.kwarg:
        found["**"] = kinds(taken.kwarg.arg, kinds.VAR_KEYWORD)
    return found


def test_nothing_that_users_hold_is_gone():
    before = json.loads(FILE.read_text())
    found = list(list_losses(before, public_names(), ""))
    assert [each for each in found if each.split(":")[0] not in GONE] == []
    assert GONE.keys() <= {each.split(":")[0] for each in found}, "what is listed as gone is there again"


@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [
        ("(a, b=1)", "(a, b=1, c=2, *, d=3)", []),
        ("(a, *, b=1)", "(a, b=1)", []),
        ("(a, b)", "(a, b=None)", []),
        ("(a, b=1)", "(a, b=2)", ["b has another default"]),
        ("(a, b)", "(a)", ["takes no b", "its arguments have other places"]),
        ("(a, b)", "(b, a)", ["its arguments have other places"]),
        ("(a, b=1)", "(a, *, b=1)", ["b is given in another way", "its arguments have other places"]),
        ("(a)", "(a, b)", ["wants b"]),
        ("(a)", "(a, *, b)", ["wants b"]),
        ("(**options)", "()", ["takes no **"]),
        ("(*expected)", "(expected)", ["takes no *", "wants expected"]),
        ("async (a)", "(a)", ["is called in another way"]),
    ],
)
def test_a_narrower_signature_is_noticed(before, now, lost):
    assert list(list_narrowed(before, now)) == lost


def test_losses_of_any_kind_are_noticed():
    before = {
        "names": ["a", "b"],
        "codes": {"x": 1, "y": 2},
        "calls": {"f": "(a)"},
        "options": {"-o": "A|B"},
    }
    now = {"names": ["b", "c"], "codes": {"x": 3, "z": 2}, "calls": {"f": "(b=1)"}, "options": {"-o": "A|C"}}
    assert list(list_losses(before, now, "")) == [
        "/names/a: gone",
        "/codes/x: was 1, is 3",
        "/codes/y: gone",
        "/calls/f: takes no a; was (a), is (b=1)",
        "/calls/f: its arguments have other places; was (a), is (b=1)",
        "/options/-o: was A|B, is A|C",
    ]


@pytest.mark.parametrize(
    ("name", "text", "setting", "value"), ENVIRONMENT, ids=[row[0] for row in ENVIRONMENT]
)
def test_variable_of_the_environment_is_read(monkeypatch, name, text, setting, value):
    monkeypatch.setenv(f"HUGGINGCHAT_{name}", text)
    found = operator.attrgetter(setting)(make_settings())
    assert (found() if callable(found) else found) == value


# Names that only one of the two has: `result` is `await` without async, and `open` is what `attach` calls.
# A file of an answer is a plain value, and one without async is made for it.
ONLY_SYNC = {"Reply": {"result"}}
ONLY_ASYNC = {"Attached": {"open"}, "File": {"__init__"}}


@pytest.mark.parametrize("name", sync.__all__)
def test_sync_differs_from_async_only_in_being_sync(name):
    one, other = getattr(huggingchat_agent, name), getattr(sync, name)
    if not inspect.isclass(one):
        assert signature(one) == signature(other)
        return
    calls = {each: text.removeprefix("async ") for each, text in members(one, "").items()}
    plain = members(other, "")
    for each in (*PROTOCOLS, *ONLY_ASYNC.get(name, ())):
        calls.pop(each, None)
    for each in (*PROTOCOLS, *ONLY_SYNC.get(name, ())):
        plain.pop(each, None)
    assert plain == calls


@pytest.mark.parametrize("name", sync.__all__)
def test_sync_takes_the_same_types_as_async(name):
    one, other = getattr(huggingchat_agent, name), getattr(sync, name)
    pairs = [(one, other)]
    if inspect.isclass(one):
        shared = members(one, "").keys() & members(other, "").keys() - {*PROTOCOLS, "__init__"}
        pairs = [(getattr(one, each, None), getattr(other, each, None)) for each in sorted(shared)]
    for asynchronous, plain in pairs:
        if inspect.isfunction(asynchronous) and inspect.isfunction(plain):
            assert list_types(plain) == list_types(asynchronous), plain.__qualname__


def list_types(function):
    """The types of the parameters as they are written, without the module and the name of the twin."""
    found = {each.name: str(each.annotation) for each in inspect.signature(function).parameters.values()}
    return {name: re.sub(r"\b[a-z_]+\.|\b(Sync|Async)(?=[A-Z])", "", text) for name, text in found.items()}


INSIDES = {
    *("announce", "ask", "bound", "check_open", "drain", "forget", "held", "inner", "listening", "notes"),
    *("receive", "replies", "report", "resume", "running", "see", "session", "start", "stopping"),
    *("timezone", "tracker", "traffic", "turn", "upstream", "watch", "when_done"),
}


def test_what_users_hold_shows_no_insides():
    held = public_names()["classes"].items()
    found = {f"{name}.{each}" for name, shown in held for each in shown if each in INSIDES}
    assert found == {".Settings.session"}  # a setting, by the name of its variable
