"""What a page could not do is not tried again for some minutes."""

from types import SimpleNamespace

from huggingchat_agent.session.failed_gestures import TRY_AGAIN, FailedGestures


def test_gesture_that_failed_is_tried_again_after_some_minutes(monkeypatch):
    now = 100.0
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr("huggingchat_agent.session.failed_gestures.time", clock)
    failed = FailedGestures()
    assert failed.find("Next") == ""
    failed.note("Next", "It has no Send.")
    now += 12
    assert failed.find("Next") == "It has no Send. That was 12 s ago, so the page was not tried again."
    assert failed.find("Retry") == ""
    assert failed.find("Retry", "Next").startswith("It has no Send.")
    now += TRY_AGAIN
    assert failed.find("Next") == ""


def test_gesture_that_works_and_another_browser_are_tried():
    failed = FailedGestures()
    for gesture in ("Next", "Retry"):
        failed.note(gesture, "Gone.")
    failed.forget("Next")
    assert (failed.find("Next"), bool(failed.find("Retry"))) == ("", True)
    failed.clear()
    assert failed.find("Retry") == ""
