"""A server's share of the load in a process of its own: prints a line a message, until it is killed."""

import asyncio
import sys

from broker import HOST
from prometheus_client import CollectorRegistry

from desktop_server.shared_load import SharedLoad
from device.publish.broker import BrokerAddress
from device.publish.message import Message


def say(message: Message) -> None:
    print(message.address, flush=True)


if __name__ == "__main__":
    with SharedLoad(
        BrokerAddress(HOST, int(sys.argv[1])), group="servers", handle=say, registry=CollectorRegistry()
    ) as load:
        asyncio.run(load.work())
