"""What is on the disk: saved sessions, profiles and their locks. Imports sessions of other browsers too."""
