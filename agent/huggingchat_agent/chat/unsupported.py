"""Options of other services that the app does not have, each with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAMPLING = "the operator sets how a model samples, and a message cannot change that"
_LENGTH = "the operator sets how long an answer may be; ask for brevity in the prompt, or call stop()"
_PER_CONVERSATION = "it belongs to the conversation; give it to new_conversation()"

_WHY = {
    **dict.fromkeys(
        ("temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "do_sample", "truncate"), _SAMPLING
    ),
    **dict.fromkeys(
        ("repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs"), _SAMPLING
    ),
    **dict.fromkeys(("max_tokens", "max_new_tokens", "max_completion_tokens", "max_output_tokens"), _LENGTH),
    **dict.fromkeys(("stop", "stop_sequences"), "it has no stop texts; call stop() on the reply"),
    **dict.fromkeys(
        ("timeout", "total_timeout", "deadlines"),
        "give HuggingChat deadlines=Deadlines(total=...), or await in asyncio.timeout()",
    ),
    "n": "it gives one answer at a time; retry() asks for another one",
    "response_format": "it cannot force an answer into a format; ask for the format in the prompt",
    "stream": "every answer streams; await the reply for the whole answer",
    "model": _PER_CONVERSATION,
    "system": f"{_PER_CONVERSATION} as system_prompt",
    "system_prompt": _PER_CONVERSATION,
    "messages": "it keeps the history itself; open the conversation and send the new message alone",
    "assistant": "it dropped assistants in 2025",
}


def refuse(given: Mapping[str, object]) -> None:
    """Raise UsageError for an option that the app does not have, TypeError for an unknown one."""
    for name in given:
        why = _WHY.get(name)
        if why is None:
            raise TypeError(f"send() has no argument {name!r}.")
        raise UsageError(f"The app has no option {name!r} for a message: {why}.")
