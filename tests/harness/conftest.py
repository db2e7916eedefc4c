"""Small projects whose tests use the plugin, each run by a pytest of its own in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from fixtures.site import StandIn
from tests import engines
from tests.quick import QUICK
from tests.signed_in import save_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

INI = """
[pytest]
asyncio_default_fixture_loop_scope = function
addopts = -p no:cacheprovider --strict-markers --strict-config -W error
"""

SETTINGS = """
import os
import pytest

@pytest.fixture(scope="session")
def huggingchat_settings(huggingchat_settings):
    return {**huggingchat_settings, "base_url": os.environ["SITE"], "via": "page"}
"""


# So long may one run take on a busy machine, where a dozen browsers are started in it.
RUN_SECONDS = 400


class Project:
    """A folder with tests, and how to run them."""

    def __init__(
        self,
        folder: Path,
        site: StandIn | None = None,
        borrowed: Mapping[str, str] | None = None,
        *,
        signed_in: bool = True,
    ) -> None:
        """`borrowed` is the environment of a browser to use, see tests/persons.py. Else it starts its own.

        Somebody has signed in before, or not.
        """
        self.folder = folder
        if site and signed_in:
            save_session(site, folder / "home")
        account = {"HUGGINGCHAT_USERNAME": "ada", "HUGGINGCHAT_PASSWORD": "correct horse"}
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("HUGGINGCHAT", "PYTEST")) or name == engines.VARIABLE
            },
            **account,
            **(borrowed or {}),
            "HUGGINGCHAT_HOME": str(folder / "home"),
            "SITE": site.url if site else "http://127.0.0.1:9",
        }
        if site:  # whose account that is, and where one signs in
            self.environment["HUGGINGCHAT_BASE_URL"] = site.url
            self.environment["HUGGINGCHAT_LOGIN_ORIGINS"] = site.login_origin
        self.write("pytest.ini", INI)
        self.write("conftest.py", SETTINGS)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pytest", "--basetemp", str(self.folder / "temp"), *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> pytest.RunResult:
        began = time.monotonic()
        process = self.start(*arguments)
        out, _ = process.communicate(timeout=RUN_SECONDS)
        sys.stdout.write(out)  # shown where the outer test fails
        return pytest.RunResult(process.returncode, out.splitlines(), [], time.monotonic() - began)


def read_sections(result: pytest.RunResult) -> dict[str, list[str]]:
    """The lines that the report has for each test that failed, by the name of the test without `test_`."""
    text = "\n".join(result.outlines)
    sections = re.split(r"^_+ (?:ERROR at setup of )?test_(\w+) _+$", text, flags=re.M)
    return {name: text.splitlines() for name, text in zip(sections[1::2], sections[2::2], strict=True)}


@pytest.fixture(scope="module")
def site() -> Iterator[StandIn]:
    """Under /, with login, and with pages whose scripts run at once."""
    with StandIn("", hydration_delay=0.0, **QUICK) as site:
        yield site


@pytest.fixture
def project(tmp_path: Path, site: StandIn) -> Project:
    """An empty project on the site."""
    return Project(tmp_path, site)
