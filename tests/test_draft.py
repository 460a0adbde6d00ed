"""Drafts of settings: what people type for a broker."""

import pytest

from device.errors import ConfigError
from device.setup.draft import parse_broker


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.lan", ("a.lan", 1883)),
        ("a.lan:88", ("a.lan", 88)),
        ("[::1]:88", ("::1", 88)),
        (" 10.0.0.1 ", ("10.0.0.1", 1883)),
    ],
)
def test_a_broker_is_a_host_with_or_without_a_port(text: str, found: tuple[str, int]) -> None:
    assert parse_broker(text, 1883) == found


@pytest.mark.parametrize("text", ["", ":1883", "a:99999", "a:x", "a/b", "me@a", "a b"])
def test_what_is_no_broker_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no"):
        parse_broker(text, 1883)
