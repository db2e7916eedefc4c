"""What a user holds, and how a message gets on its way."""
