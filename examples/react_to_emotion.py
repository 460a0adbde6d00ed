"""Say when an emotion begins in a room: ``python react_to_emotion.py BROKER NODE``; needs ``pip install paho-mqtt``."""

import json
import sys
from typing import Any

from paho.mqtt import subscribe


def react(_client: Any, _data: Any, message: Any) -> None:
    told = json.loads(message.payload)
    if message.topic.endswith("/status"):  # what came before an "offline" says nothing of now
        print(f"{node} is {told['state']}", flush=True)
    elif told["kind"] == "start" and not told["backfilled"]:  # not what an outage has held back
        print(f"{told['label']} ({told['confidence']:.0%})", flush=True)


broker, node = sys.argv[1:]
host, _, port = broker.partition(":")
subscribe.callback(
    react, [f"affectd/{node}/{of}" for of in ("status", "event")], 1, hostname=host, port=int(port or 1883)
)
