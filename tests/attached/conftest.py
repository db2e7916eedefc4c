"""The stand-in, without login; the pages are the tests' own."""

import pytest

from fixtures.site import StandIn
from tests.quick import QUICK


@pytest.fixture(scope="module")
def site():
    # Playwright's locators know nothing of hydration: what they click must be alive already.
    with StandIn("", login=False, hydration_delay=0.0, **QUICK) as site:
        yield site
