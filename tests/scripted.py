"""A message on its way that does what a test says."""


class Scripted:
    """A message on its way, as a function of the emitter."""

    turn, via = None, "page"

    def __init__(self, send):
        self.send = send

    def stop(self):
        pass
