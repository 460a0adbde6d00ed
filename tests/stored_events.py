"""What an outbox holds."""

from device.publish.outbox import Outbox


def payloads(outbox: Outbox) -> list[bytes]:
    return [stored.payload for stored in outbox.after(0, 1000)]
