"""How the plugin behaves in a run of pytest, without a browser."""

import ast
import inspect
import json
import subprocess
import sys

import pytest

from huggingchat_agent import pytest_plugin
from tests.harness.conftest import Project

HEAVY = [
    "playwright",
    "nodriver",
    "msgspec",
    "pyee",
    "rich",
    "huggingchat_agent.huggingchat",
    "huggingchat_agent.testing",
]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_suite_that_does_not_use_it_loads_nothing_heavy(project):
    project.write(
        "test_plain.py",
        f"""
        import sys

        def test_plain():
            assert "huggingchat_agent.pytest_plugin" in sys.modules
            assert not [name for name in {HEAVY!r} if name in sys.modules]
        """,
    )
    project.write("conftest.py", "")
    project.run("-p", "no:asyncio", "-p", "no:anyio", "-o", "addopts=").assert_outcomes(passed=1)


def test_suite_that_does_not_use_it_loads_no_asyncio_plugin_of_its_own(project):
    code = "import sys, json, huggingchat_agent.pytest_plugin\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(json.loads(done.stdout)) & {*HEAVY, "pytest_asyncio"}


WRONG_MARKERS = """
    import pytest

    @pytest.mark.huggingchat(mode="sometimes")
    def test_mode(huggingchat_sync):
        pass

    @pytest.mark.huggingchat(casette="x")
    class TestName:
        def test_one(self, huggingchat_sync):
            pass

        def test_two(self, huggingchat_sync):
            pass

    @pytest.mark.huggingchat("x.tape")
    def test_position():
        pass

    @pytest.mark.huggingchat(model=3)
    def test_type(conversation):
        pass
"""


def test_wrong_markers_end_the_run_before_its_first_test_and_name_what_is_allowed(project):
    project.write("test_marker.py", WRONG_MARKERS)
    project.write("test_first.py", "def test_first():\n    raise RuntimeError('it ran')\n")
    result = project.run("-v")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    allowed = "takes tape=, mode=, model=, keep=, faults=, speed="
    assert [line for line in result.outlines if line.startswith("ERROR: ")] == [
        f"ERROR: test_marker.py::{said}"
        for said in (
            "test_mode: huggingchat(mode=...) must be one of replay, once, record, live, not 'sometimes'.",
            f"TestName::test_one: the marker huggingchat {allowed}, not casette=.",
            "test_position: the marker huggingchat takes no positional arguments, but got ('x.tape',). "
            f"It {allowed}.",
            "test_type: huggingchat(model=...) must be of type str, not 3.",
        )
    ]
    result.stdout.no_fnmatch_line("*it ran*")


def test_wrong_marker_is_an_error_of_its_test_in_a_worker_of_xdist(project):
    project.write("test_marker.py", WRONG_MARKERS)
    result = project.run("-n", "2")
    result.assert_outcomes(errors=5)
    result.stdout.fnmatch_lines_random(
        [
            "E *UsageError: *test_mode: *must be one of replay, once, record, live*",
            "E *UsageError: *test_position: *",
        ]
    )


def test_wrong_marker_of_a_test_that_is_not_selected_hurts_nobody(project):
    project.write("test_marker.py", WRONG_MARKERS)
    project.write("test_first.py", "def test_first():\n    pass\n")
    project.run("-k", "first").assert_outcomes(passed=1, deselected=4 + 1)


def test_wrong_mode_of_the_ini_file_ends_the_run(project):
    project.write("pytest.ini", "[pytest]\nhuggingchat_mode = sometimes\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(
        ["ERROR: huggingchat_mode is 'sometimes'; it is one of: replay, once, record, live."]
    )


def test_async_fixture_in_a_test_without_async_is_refused_with_a_sentence(project):
    project.write("test_it.py", "def test_it(huggingchat):\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["`huggingchat` is for async tests, but this test is sync. Use `huggingchat_sync`*"]
    )


def test_our_fixtures_are_recognized_by_their_names():
    # So that no name of pytest-playwright's, or of anybody else's, is taken.
    functions = ast.walk(ast.parse(inspect.getsource(pytest_plugin)))
    found = {
        each.name
        for each in functions
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and any("fixture" in ast.unparse(how) for how in each.decorator_list)
    }
    assert found >= {"huggingchat", "conversation", "huggingchat_attach"}
    assert {name for name in found if not name.lstrip("_").startswith("huggingchat")} == {"conversation"}


def test_fixtures_and_options_explain_themselves(project):
    project.write("conftest.py", "")
    fixtures = "\n".join(project.run("--fixtures").outlines)
    for name in (
        "huggingchat",
        "huggingchat_sync",
        "conversation",
        "huggingchat_attach",
        "huggingchat_settings",
    ):
        shown = fixtures.split(f"\n{name} ", 1)[1].split("\n\n")[0]
        assert len(shown.splitlines()) >= 3, name
    assert "_huggingchat" not in fixtures
    options = project.run("--help").stdout
    options.fnmatch_lines(
        ["*--huggingchat-mode=*replay,once,record,live*", "*never the network (the default)*"]
    )
    project.run("--markers").stdout.fnmatch_lines(["@pytest.mark.huggingchat(tape=..., mode=*"])


def test_origins_of_a_sign_in_are_an_option(project):
    project.write(
        "test_origins.py",
        """
        def test_origins(huggingchat_settings):
            assert huggingchat_settings["login_origins"] == ["https://id.example.org", "https://b.example"]
        """,
    )
    option = "--huggingchat-login-origin"
    project.run(f"{option}=https://id.example.org", option, "https://b.example").assert_outcomes(passed=1)
