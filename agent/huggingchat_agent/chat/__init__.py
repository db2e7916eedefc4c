"""The objects that users hold (chat, conversation, reply), and the ways to send a message."""
