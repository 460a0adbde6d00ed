"""Say when an emotion begins in a room: ``python react_to_emotion.py BROKER NODE``; needs ``pip install paho-mqtt``."""

import json
import sys
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

broker, node = sys.argv[1:]


def subscribe(client: mqtt.Client, *_: Any) -> None:
    client.subscribe([(f"affectd/{node}/status", 1), (f"affectd/{node}/event", 1)])


def react(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
    told = json.loads(message.payload)
    if message.topic.endswith("/status"):  # what came before an "offline" says nothing of now
        print(f"{node} is {told['state']}", flush=True)
    elif told["kind"] == "start" and not told["backfilled"]:  # not what an outage has held back
        print(f"{told['label']} ({told['confidence']:.0%})", flush=True)


client = mqtt.Client(CallbackAPIVersion.VERSION2)
client.on_connect, client.on_message = subscribe, react
host, _, port = broker.partition(":")
client.connect(host, int(port or 1883))
client.loop_forever()
