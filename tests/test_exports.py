"""What `import huggingchat_agent` offers, and what it costs."""

import json
import subprocess
import sys

import huggingchat_agent

HEAVY = ["playwright", "nodriver", "rich", "typer", "starlette", "msgspec", "pyee", "asyncio"]
CLIENTS = ["g4f", "requests"]


def list_loaded(code):
    """Which heavy modules a fresh interpreter has loaded after some code."""
    program = (
        f"import sys, json\n{code}\nprint(json.dumps([m for m in {HEAVY + CLIENTS!r} if m in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_exports_are_all_there_and_nothing_else():
    for name in huggingchat_agent.__all__:
        assert getattr(huggingchat_agent, name) is not None
    public = {name for name in dir(huggingchat_agent) if not name.startswith("_")}
    assert set(huggingchat_agent.__all__) - {"__version__"} <= public


def test_exports_know_no_other_name():
    try:
        huggingchat_agent.Nonsense  # noqa: B018
    except AttributeError as error:
        assert "Nonsense" in str(error)
    else:
        raise AssertionError("a name that does not exist was found")


def test_import_loads_nothing_heavy():
    assert list_loaded("import huggingchat_agent") == []


def test_import_of_the_chat_loads_no_driver_and_no_terminal():
    loaded = list_loaded("from huggingchat_agent import HuggingChat")
    assert not {"playwright", "nodriver", "rich", "typer"} & set(loaded)


def test_import_of_the_provider_loads_no_driver_no_terminal_and_no_other_client():
    loaded = list_loaded("from huggingchat_agent.provider import HuggingChat")
    assert not {"playwright", "nodriver", "rich", "typer", *CLIENTS} & set(loaded)


def test_version_is_the_package_s():
    from importlib.metadata import version

    assert huggingchat_agent.__version__ == version("huggingchat-agent")
