"""Many prompts, some at a time: read from a file, answered, and written down so that a rerun goes on."""
