"""Settings that exclude each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.origin import parse_origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggingchat_agent.settings import Settings


def check_together(chosen: Settings, name_option: Callable[[str], str]) -> None:
    """Raise SettingsError if some of them exclude each other. `name_option` is how a shell names one."""

    def conflict(sentence: str, *names: str) -> SettingsError:
        error = SettingsError(sentence.format(*names))
        error.shell_message = sentence.format(*map(name_option, names))
        return error

    if chosen.connect:
        for name in ("channel", "browser_args", "skip_pictures", "user_data_dir", "proxy"):
            if getattr(chosen, name):
                raise conflict(
                    "{} is for a browser that the agent starts, but {} uses a running one. "
                    "Leave one of the two out.",
                    name,
                    "connect",
                )
    for name in ("context_args", "http_credentials"):
        if getattr(chosen, name) and chosen.connect and not chosen.isolated:
            raise conflict(
                "{0} apply to pages in a context of the agent's own, but {1} opens pages in the "
                "browser's context. Add {2}, or leave {0} out.",
                name,
                "connect",
                "isolated",
            )
    if chosen.session is not None and chosen.own_cookies:
        owner = "user_data_dir" if chosen.user_data_dir else "connect"
        sentence = "{0} is for a browser without its own cookies, but {1} has some. Leave one of the two out."
        raise conflict(sentence, "session", owner)
    if chosen.searched and chosen.isolated:
        raise conflict(
            "{0}=auto uses the session of your browser, and {1} uses none of it. Leave out {1}, or "
            "give the browser's address.",
            "connect",
            "isolated",
        )
    if chosen.bind and (chosen.connect or chosen.user_data_dir):
        raise conflict(
            "{} is for a browser that the agent starts with a temporary profile, because Playwright's tools "
            "can remove the profile of a bound browser. Leave out {}.",
            "bind",
            "connect" if chosen.connect else "user_data_dir",
        )
    if chosen.browser and chosen.channel:
        sentence = "{} and {} both name a browser. Leave one of the two out."
        raise conflict(sentence, "browser", "channel")
    if chosen.http_credentials and not chosen.insecure and not parse_origin(chosen.base_url).private:
        raise conflict(
            "{0} would go to {1} over plain http, where others on the network can read them. Use an https "
            "address, or add {2} if you trust the network.",
            "http_credentials",
            "base_url",
            "insecure",
        )
