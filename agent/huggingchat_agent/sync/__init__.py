"""The same names without async: for scripts, notebooks, and code inside a running event loop.

    from huggingchat_agent.sync import HuggingChat

    with HuggingChat() as chat:
        chat.login()
        conversation = chat.new_conversation()
        print(conversation.send("hello").result().text)
        for event in conversation.send("and now slowly"):
            ...

An event loop in a thread of its own drives the browser. Handlers run in the calling thread, in the order
of the events, while it iterates over a reply or waits for something. Events that come while no thread
waits are kept until one does.

A handler may use the chat. It must not wait (`join`, a future's `result`) for another thread that uses
the chat: handlers are called one at a time, and a call returns when the handlers of all events so far are
done. The two threads would wait for each other for ever.

`attach(page)` is for a page that the program drives itself with Playwright's sync API.

Ctrl-C ends any wait. It first cancels the call and lets it clean up. A reply that you wait for, or that is
inside a `with`, also stops on the server. A second Ctrl-C does not wait for that.
"""

from huggingchat_agent.sync.attached import Attached, attach
from huggingchat_agent.sync.batch import batch
from huggingchat_agent.sync.chat import HuggingChat
from huggingchat_agent.sync.conversation import Conversation
from huggingchat_agent.sync.elicitation import Elicitation
from huggingchat_agent.sync.file import File
from huggingchat_agent.sync.playback import Replay, replay
from huggingchat_agent.sync.reply import Reply
from huggingchat_agent.sync.stage import OnTape, on_tape

__all__ = [
    "Attached",
    "Conversation",
    "Elicitation",
    "File",
    "HuggingChat",
    "OnTape",
    "Replay",
    "Reply",
    "attach",
    "batch",
    "on_tape",
    "replay",
]
