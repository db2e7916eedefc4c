"""Exchanges on their way from the browser, or from a tape, to those who read them."""
