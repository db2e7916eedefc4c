"""The names of engines, ways to send and modes, each in one place.

Settings, options, fixtures, events and answers take their types from here.
"""

from typing import Literal

EngineName = Literal["playwright", "nodriver"]

# How to send a message.
Via = Literal["auto", "ui", "page"]

# How a message was sent. "" is a message that a person or another program sent.
SentVia = Literal["", "ui", "page"]

# What to do while another process uses the profile.
InUse = Literal["copy", "refuse"]

# Where the answers of a test come from.
Mode = Literal["replay", "once", "record", "live"]
