"""A token's way from the driver's callback to a user's handler stays short."""

from tests.bench.token_path import measure

MOST = 22  # Python calls
FIRST = 26  # where reasoning is looked for


async def test_token_takes_few_calls_from_the_driver_to_the_handler():
    first, *others = await measure()
    assert len(others) == 64
    assert max(len(calls) for calls in others) <= MOST, others[0]
    assert len(first) <= FIRST, first
