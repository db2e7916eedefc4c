"""Options that people know from other services, and why the app has no such thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAMPLING = "how a model samples is set by whoever runs the app, and a message cannot change it"
_LENGTH = "how long an answer may be is set by whoever runs the app; ask for brevity in the prompt, or stop()"
_PER_CONVERSATION = "it belongs to the conversation; give it to new_conversation()"

_WHY = {
    **dict.fromkeys(
        ("temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "do_sample", "truncate"), _SAMPLING
    ),
    **dict.fromkeys(
        ("repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs"), _SAMPLING
    ),
    **dict.fromkeys(("max_tokens", "max_new_tokens", "max_completion_tokens", "max_output_tokens"), _LENGTH),
    **dict.fromkeys(
        ("stop", "stop_sequences"), "it ends an answer only when told to; call stop() on the reply"
    ),
    "n": "it makes one answer at a time; retry() makes another one beside it",
    "response_format": "it has nothing that holds an answer to a form; ask for the form in the prompt",
    "stream": "every answer streams; await the reply for the whole of it",
    "model": _PER_CONVERSATION,
    "system": f"{_PER_CONVERSATION} as system_prompt",
    "system_prompt": _PER_CONVERSATION,
    "messages": "it keeps the history itself; open the conversation and send the new message alone",
    "assistant": "assistants were taken out of it in 2025",
}


def refuse(given: Mapping[str, object]) -> None:
    """Raise UsageError for an option the app has no counterpart of, TypeError for one unknown to us."""
    for name in given:
        why = _WHY.get(name)
        if why is None:
            raise TypeError(f"send() has no argument {name!r}.")
        raise UsageError(f"The app has no such thing as {name!r} for a message: {why}.")
