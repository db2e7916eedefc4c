"""Environments with other projects' clients in them, made the first time and kept for the next."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import filelock

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".venv-g4f"
INSTALL_SECONDS = 240

# What g4f's provider needs, and no more: g4f[all] would take many minutes.
G4F = ("g4f==8.8.6", "curl_cffi>=0.7,<1")
CLIENTS = ("openai>=3", "anthropic>=2")


def find_interpreter(*, with_agent: bool = False) -> Path:
    """The Python with g4f; `with_agent` with the agent installed beside, from this folder."""
    return _make("g4f", G4F, str(ROOT) if with_agent else "")


def find_clients() -> Path:
    """The Python with the clients of the endpoint, and the agent with its own doors."""
    return _make("clients", CLIENTS, f"{ROOT}[server,mcp,llm,nodriver]")


def _make(name: str, packages: tuple[str, ...], agent: str) -> Path:
    place = ROOT / f".venv-{name}"
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    with filelock.FileLock(place.with_suffix(".lock")):  # two workers may want it at the same time
        if not _is_installed(place / "installed", " ".join(packages)):
            venv.create(place, clear=True)  # without pip, whose set-up takes as long as the packages
            _install(python, *packages)
            (place / "installed").write_text(" ".join(packages))
        wanted = agent + (ROOT / "pyproject.toml").read_text()
        if agent and not _is_installed(place / "installed-agent", wanted):
            _install(python, "--editable", agent)
            (place / "installed-agent").write_text(wanted)
    return python


def _is_installed(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text() == wanted


def _install(python: Path, *what: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-compile", *what], check=True, timeout=INSTALL_SECONDS)
