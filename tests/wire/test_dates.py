import datetime

from huggingchat_agent.wire import conversations, dates

BODY = (
    b'{"json": {"id": "c", "updatedAt": "2026-01-01T00:00:00Z", "messages": [{"id": "m", "from": "user"}]},'
    b' "meta": {"values": {"updatedAt": ["Date"]}}}'
)


class Frozen(datetime.datetime):
    """What a frozen clock puts in the place of `datetime`."""


def test_dates_are_read_while_a_clock_is_frozen(monkeypatch):
    before = conversations.parse_conversation(BODY).updated_at
    monkeypatch.setattr(dates, "datetime", Frozen)
    assert conversations.parse_conversation(BODY).updated_at == before
    assert type(dates.parse_date("2026-01-01T00:00:00Z")) is datetime.datetime
