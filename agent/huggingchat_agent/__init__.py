"""Drive HuggingChat, or any chat-ui, in a real browser, and get its tokens in Python callbacks."""
