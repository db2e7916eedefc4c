"""Takes exchanges from browsers, attached pages and tapes, and hands them to their readers in order."""
