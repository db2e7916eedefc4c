"""Moved to `huggingchat_agent.playback.faults`; this name stays for one version."""

import importlib
import warnings
from typing import Any

# `__getattr__` finds them.
__all__ = ["Fault", "cut", "exchange_of", "stall", "status", "with_faults"]  # noqa: F822


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        "huggingchat_agent.tape.faults is now huggingchat_agent.playback.faults.",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(importlib.import_module("huggingchat_agent.playback.faults"), name)
