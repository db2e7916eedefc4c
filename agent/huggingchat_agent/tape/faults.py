"""Moved to `huggingchat_agent.playback.faults`; this name stays for one version."""

import importlib
import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    warnings.warn(
        "huggingchat_agent.tape.faults is now huggingchat_agent.playback.faults",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(importlib.import_module("huggingchat_agent.playback.faults"), name)
