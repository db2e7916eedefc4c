"""What a user holds, and how a message is sent."""
