"""HuggingChat as a provider class, with the names that programs written against one expect.

    from huggingchat_agent.provider import HuggingChat

    chat = HuggingChat()
    conversation = chat.create_conversation(model=chat.get_models()[0])
    print(chat.send_message(conversation, "Hello, world!"))

This imports nothing of g4f. If a program has loaded g4f, parts and errors are instances of its classes too,
so that its client can drive this provider: `AsyncClient(provider=HuggingChat)`.
"""

from huggingchat_agent.provider.auth import AuthResult, Session
from huggingchat_agent.provider.errors import MissingAuthError, MissingRequirementsError, ResponseError
from huggingchat_agent.provider.models import default_model
from huggingchat_agent.provider.parts import (
    Conversation,
    FinishReason,
    ImageResponse,
    Reasoning,
    RequestLogin,
    Sources,
    TitleGeneration,
)
from huggingchat_agent.provider.provider import HuggingChat

__all__ = [
    "AuthResult",
    "Conversation",
    "FinishReason",
    "HuggingChat",
    "ImageResponse",
    "MissingAuthError",
    "MissingRequirementsError",
    "Reasoning",
    "RequestLogin",
    "ResponseError",
    "Session",
    "Sources",
    "TitleGeneration",
    "default_model",
]
