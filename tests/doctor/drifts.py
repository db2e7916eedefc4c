"""What each drift of the site is called in events and in the doctor's report: a part of the sentence."""

from __future__ import annotations

import pytest

from fixtures.site.drifts import DRIFTS

NAMED = {
    "a line of a new type": "the line thoughts",
    "a line that is no object": "a line that is no object",
    "a field in tokens": "the field logprob",
    "a field in the final answer": "the field usage",
    "a final answer without interrupted": "the field interrupted",
    "a title under another name": "the field heading",
    "a field in models": "the field contextLength",
    "models without a display name": "the field displayName",
    "a user without a user name": "the field username",
    "settings without custom prompts": "the field customPrompts",
    "a field in the list": "the field pinned",
    "a field in a conversation": "the field folder",
    "a field in messages": "the field tokenCount",
    "messages without ancestors": "the field ancestors",
    "conversations without messages": "the field messages",
    "the models elsewhere": "the route GET /api/v2/models",
    "the list elsewhere": "the route GET /api/v2/conversations",
    "Send under another name": "the button 'Send message'",
    "the composer under another name": "the textbox 'Ask anything'",
    "the composer is no text area": "the textbox 'Ask anything'",
    "a dialog with news": 'a dialog "What\'s new in chat"',
    "a dialog without a button": "a dialog 'Take the tour'",
    "a dialog that wants consent": "a dialog 'Our terms have changed'",
    "a banner over the composer": "a notice 'Scheduled maintenance tonight'",
    "a notice over the composer": "a notice 'Your models were updated'",
    "Retry under another name": "button 'Retry'",
    "a button in the composer": "button 'Deep research'",
    "models without an id": "the field id",
    "new conversations elsewhere": "/conversation",
    "messages go elsewhere": "the route POST /conversation/{conversation_id}",
}

# Those that no turn shows, because it does not look there.
UNSEEN = {"a field in the list", "the list elsewhere", "Retry under another name", "a button in the composer"}

# One of each kind for the default run.
SLICE = {
    "a line that is no object",
    "a field in tokens",
    "Send under another name",
    "a dialog without a button",
    "a banner over the composer",
    "new conversations elsewhere",
}


def every_drift() -> list[object]:
    """All of them as parameters; the default run has the slice."""
    return [pytest.param(name, marks=() if name in SLICE else pytest.mark.soak) for name in DRIFTS]
