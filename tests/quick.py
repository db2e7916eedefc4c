"""The stand-in with its waits cut short: `StandIn(**QUICK)`. What happens in them is the same."""

from typing import Any

QUICK: dict[str, Any] = {
    "upstream_retries": 0.05,
    "live_tick": 0.5,
    "materialize": 0.75,
    "death_noticed": 0.25,
}
