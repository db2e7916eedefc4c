"""What the text of an answer is, given what was streamed and the app's last word on it."""

from __future__ import annotations


def merge_final(streamed: str, final: str | None, *, tools: bool, interrupted: bool) -> str:
    """The content of the message as the app stores it.

    `streamed` is all tokens put together, `final` the text of the final answer, None if there was
    none. Without tools the final answer stands, which may lack white space at the end. With tools it
    is the text of the last round only, and follows what was said before the calls, unless that ends
    with it already.
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
