"""A message on its way that does what a test says."""

from huggingchat_agent.choices import SentVia


class Scripted:
    """A message on its way, as a function of the emitter."""

    turn = None
    via: SentVia = "page"

    def __init__(self, send):
        self.send = send

    def stop(self):
        pass
