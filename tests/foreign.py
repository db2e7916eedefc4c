"""An environment with another project's client in it, made the first time and kept for the next."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import filelock

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".venv-g4f"
# What its provider needs, and no more: g4f[all] would take many minutes.
PACKAGES = ("g4f==8.8.6", "curl_cffi>=0.7,<1")
INSTALL_SECONDS = 240


def find_interpreter(*, with_agent: bool = False) -> Path:
    """Its Python; `with_agent` with the agent installed beside, from this folder."""
    python = PLACE / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    with filelock.FileLock(PLACE.with_suffix(".lock")):  # two workers may want it at the same time
        if not _is_installed("installed", " ".join(PACKAGES)):
            venv.create(PLACE, clear=True)  # without pip, whose set-up takes as long as the packages
            _install(python, *PACKAGES)
            (PLACE / "installed").write_text(" ".join(PACKAGES))
        wanted = (ROOT / "pyproject.toml").read_text()
        if with_agent and not _is_installed("installed-agent", wanted):
            _install(python, "--editable", str(ROOT))
            (PLACE / "installed-agent").write_text(wanted)
    return python


def _is_installed(stamp: str, wanted: str) -> bool:
    path = PLACE / stamp
    return path.exists() and path.read_text() == wanted


def _install(python: Path, *what: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-compile", *what], check=True, timeout=INSTALL_SECONDS)
