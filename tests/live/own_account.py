"""Whose account the environment holds: the app's that is walked through."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--login-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="where one signs in, if that is not the app's own origin",
    )


def use_for(base_url: str, login_origins: list[str]) -> None:
    """The account of the environment is that of this app, and is typed at these origins too."""
    os.environ["HUGGINGCHAT_BASE_URL"] = base_url
    if login_origins:
        os.environ["HUGGINGCHAT_LOGIN_ORIGINS"] = " ".join(login_origins)
