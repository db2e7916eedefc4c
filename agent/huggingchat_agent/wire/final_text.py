"""The text of an answer, from the streamed tokens and the app's final answer."""

from __future__ import annotations


def merge_final(streamed: str, final: str | None, *, tools: bool, interrupted: bool) -> str:
    """The content of the message as the app stores it.

    `streamed` is all tokens joined, `final` the text of the final answer or None. Without tools the final
    answer counts; it may lack white space at the end. With tools it is the text of the last round only, which
    follows the text before the calls unless that already ends with it.
    """
    if final is None:
        return streamed
    if not streamed or final.startswith(streamed):
        return final
    if interrupted:
        return final if streamed.startswith(final) else streamed
    if not tools:
        return final
    if streamed.endswith(final) or streamed.rstrip().endswith(final.lstrip()):
        return streamed
    apart = streamed.endswith("\n\n") or final.startswith("\n")
    return streamed + ("" if apart else "\n\n") + final
