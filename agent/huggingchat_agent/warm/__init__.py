"""A warm session: a process that keeps one signed-in browser for the commands of the shell."""
