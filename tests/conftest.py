"""What every room's tests may ask for."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.site import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def open_site() -> Iterator[Callable[..., StandIn]]:
    """Open a stand-in site: `open_site(base_path="", login=False, ...)`, see `StandIn`; closed at the end."""
    with ExitStack() as opened:

        def open_one(base_path: str = "/chat", **options: Any) -> StandIn:
            return opened.enter_context(StandIn(base_path, **options))

        yield open_one


@pytest.fixture
def site(open_site: Callable[..., StandIn]) -> StandIn:
    """A stand-in site under /chat, with login, nobody signed in yet."""
    return open_site()
