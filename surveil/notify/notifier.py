"""What a notification channel is."""

from __future__ import annotations

from typing import Protocol

from surveil.types import Event


class Notifier(Protocol):
    """One way to tell somebody. Called from the notify thread, never from capture or inference."""

    def send(self, event: Event) -> None:
        """Deliver, within the channel's own time limit.

        Raises:
            OutputError: the event could not be delivered; secrets are not part of the message.
        """
