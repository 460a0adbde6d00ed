"""What may stand where the broker is named, and what is said of anything else."""

from pathlib import Path

import pytest

from device.errors import ConfigError
from device.publish.broker import BrokerAddress, Tls, require_usable_broker, tls_context


@pytest.mark.parametrize(
    "host", ["localhost", "broker.lan", "broker.lan.", "my_broker", "192.168.1.10", "::1", "fe80::1%eth0", "bröker.lan"]
)
def test_names_and_addresses_are_hosts(host: str) -> None:
    require_usable_broker(BrokerAddress(host=host))


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("mqtt://broker.lan", 'host = "broker.lan"'),
        ("mqtts://broker.lan:8883", 'host = "broker.lan", port = 8883, tls = true'),
        ("broker.lan:1883", 'host = "broker.lan", port = 1883'),
        ("http://192.168.1.10/", 'host = "192.168.1.10"'),
        ("user:secret@broker.lan", 'host = "broker.lan", username = "user"'),
        ("mqtts://user:se@cret@broker.lan:8883", 'host = "broker.lan", port = 8883, tls = true, username = "user"'),
        ("[::1]:1883", 'host = "::1", port = 1883'),
        ("192.168.1.300", "broker.lan, for one, or 192.168.1.10"),
        ("my broker", "broker.lan, for one"),
        (" broker.lan", "broker.lan, for one"),
        ("a..b", "broker.lan, for one"),
        ("-x", "broker.lan, for one"),
        ("broker.lan:port", "broker.lan, for one"),
        ("x" * 64, "broker.lan, for one"),
        ("", "broker.lan, for one"),
    ],
)
def test_what_is_no_host_is_refused_with_what_was_meant(host: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        require_usable_broker(BrokerAddress(host=host))
    assert f"write a name or an address alone: {meant}" in str(caught.value)
    assert "cret" not in str(caught.value)  # what is refused ends in the journal


def test_a_key_without_its_certificate_is_refused() -> None:
    with pytest.raises(ConfigError, match="a key without"):
        tls_context(Tls(key_file=Path("/etc/affectd/key.pem")))
