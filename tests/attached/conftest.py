"""The stand-in, without login; the pages are the tests' own."""

from collections import defaultdict
from pathlib import Path

import pytest

from fixtures.site import StandIn
from tests.budget import leave_to_soak
from tests.quick import QUICK


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """The default run takes one of each pair of tests, async or sync, in turn."""
    twins = defaultdict(list)
    for item in items:
        if item.path.parent == Path(__file__).parent:
            twins[item.name].append(item)
    pairs = [sorted(each, key=lambda item: item.nodeid) for each in twins.values() if len(each) == 2]
    leave_to_soak(config, items, [pair[number % 2] for number, pair in enumerate(pairs)])


@pytest.fixture(scope="module")
def site():
    # Playwright's locators know nothing of hydration: what they click must be alive already.
    with StandIn("", login=False, hydration_delay=0.0, **QUICK) as site:
        yield site
