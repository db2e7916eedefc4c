"""Imports go down: from a package to one of a strictly lower number, or stay within the package."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "agent" / "huggingchat_agent"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

PACKAGES = [
    {
        "errors",
        "exchange",
        "answer",
        "artifact",
        "events",
        "handler_types",
        "eventlog",
        "question",
        "redact",
        "saving",
    }
    | {"choices", "environment", "files", "mistakes", "origin", "printable", "secret_names"}
    | {"user_text", "secret_headers", "structured"}
    | {"agent_events", "error_values", "forks", "handler_failures", "handler_queue", "log_records"},
    {
        "conflicts",
        "context_args",
        "endpoint",
        "http_credentials",
        "proxy",
        "parsing",
        "provenance",
        "retrying",
        "setting_field",
        "setting_values",
        "settings",
        "one_time_password",
        "emitter",
        "wire",
        "state",
    },
    {"tape"},
    {"browser"},
    {"site"},
    {"traffic"},
    {"session"},
    {"turn"},
    {"chat"},
    {"playback"},
    {"huggingchat"},
    {"batching", "serve", "warm"},
    {"sync"},
    {"provider"},
    {"doctor", "mcp_server", "llm_plugin"},
    {"cli", "__main__", "pytest_plugin", "testing"},
]
LEVEL = {name: number for number, names in enumerate(PACKAGES) for name in names}

# One idea in several files: these may look at each other.
TOGETHER = [*PACKAGES[:2], PACKAGES[-1]]


LONGEST = 400  # lines of a module


def name(path):
    return str(path.relative_to(PACKAGE))


def find_package(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def list_imports(path, *, at_run_time):
    """Names below huggingchat_agent that a module imports."""
    tree = ast.parse(path.read_text())
    skipped = set()
    if at_run_time:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
                skipped |= {id(each) for child in node.body for each in ast.walk(child)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("huggingchat_agent"):
            rest = (node.module or "").split(".")[1:]
            yield from [rest] if rest else [[alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("huggingchat_agent."):
                    yield alias.name.split(".")[1:]


def test_rooms_hold_every_module():
    assert {find_package(path) for path in MODULES} - {"__init__"} == set(LEVEL)


def test_modules_import_only_lower_rooms():
    violations = []
    for path in MODULES:
        mine = find_package(path)
        if mine == "__init__":
            continue  # the names it offers are looked up when they are first used
        for parts in list_imports(path, at_run_time=True):
            theirs = parts[0]
            assert theirs in LEVEL, f"{name(path)} imports {'.'.join(parts)}, which stands in no package"
            same = theirs == mine or (LEVEL[theirs] == LEVEL[mine] and PACKAGES[LEVEL[mine]] in TOGETHER)
            if not same and LEVEL[theirs] >= LEVEL[mine]:
                violations.append(f"{name(path)} imports {'.'.join(parts)}")
    assert violations == []


def test_modules_name_upward_only_as_types():
    """Under TYPE_CHECKING a module may name a type of the package above, not of the one above that."""
    violations = [
        f"{name(path)} imports {'.'.join(parts)}"
        for path in MODULES
        if find_package(path) != "__init__"
        for parts in list_imports(path, at_run_time=False)
        if LEVEL[parts[0]] > LEVEL[find_package(path)] + 1
    ]
    assert violations == []


def list_top_level_imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_only_the_browser_room_imports_a_driver():
    violations = [
        f"{name(path)} imports {each}"
        for path in MODULES
        if find_package(path) != "browser"
        for each in list_top_level_imports(path)
        if each in {"playwright", "nodriver"}
    ]
    assert violations == []


def test_wire_is_pure():
    impure = {"asyncio", "os", "pathlib", "socket", "subprocess", "threading", "tempfile", "http"}
    violations = [
        f"{name(path)} imports {each}"
        for path in MODULES
        if find_package(path) == "wire"
        for each in list_top_level_imports(path)
        if each in impure
    ]
    assert violations == []


def test_modules_stay_short():
    lengths = {name(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}
