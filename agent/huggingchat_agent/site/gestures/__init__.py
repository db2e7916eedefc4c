"""What a person does on the pages, in terms of a Page: sign in, close a dialog, send a message."""
