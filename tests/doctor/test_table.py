"""The table of drifts: the tests name each of them."""

from fixtures.site.drifts import DRIFTS, FATAL
from tests.doctor.drifts import NAMED, SLICE, UNSEEN


def test_thirty_drifts_are_named_and_three_end_a_turn():
    assert NAMED.keys() == DRIFTS.keys()
    assert {*SLICE, *UNSEEN, *FATAL} <= DRIFTS.keys()
    assert (len(DRIFTS), len(FATAL)) == (30, 3)
