import pytest

from huggingchat_agent.setting_values import Deadlines
from huggingchat_agent.turn.clock import Clock


@pytest.mark.parametrize(("now", "name", "left"), [(50.0, "total", 57.0), (3607.0, "total", 57.0)])
def test_total_clock_stands_while_a_person_is_asked(now, name, left):
    clock = Clock(0.0, Deadlines(first_update=10.0, idle=20.0, total=60.0))
    clock.tick(1.0, asking=False)
    clock.tick(3.0, asking=True)
    assert clock.find_next_deadline(now, waiting=True) == (left, name, 60.0)


def test_total_clock_goes_on_when_the_person_has_answered():
    clock = Clock(0.0, Deadlines(first_update=10.0, idle=20.0, total=60.0))
    clock.tick(3.0, asking=True)
    clock.tick(3603.0, asking=False)
    assert clock.find_next_deadline(3603.0, waiting=False) == (20.0, "idle", 20.0)
    clock.tick(3650.0, asking=False)
    assert clock.find_next_deadline(3650.0, waiting=False) == (10.0, "total", 60.0)
    clock.tick(3655.0, asking=True)
    clock.tick(3656.0, asking=True)
    assert clock.find_next_deadline(4000.0, waiting=True) == (5.0, "total", 60.0)
