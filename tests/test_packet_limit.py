from device.publish.message import Message
from device.publish.packet_limit import PacketLimit

SMALL = Message("node/status", b"x" * 100, 1)
LARGE = Message("homeassistant/device/node/config", b"x" * 4600, 1)


def ends(limit: PacketLimit, *, young: bool = True, too_large: bool = False) -> list[str]:
    """The addresses that are withdrawn when a connection ends and the next one comes."""
    withdrawn = limit.ended(young=young, too_large=too_large)
    return [sent.address for sent in [*withdrawn.values(), *limit.connected(None).values()]]


def test_a_broker_that_states_what_it_takes_is_believed() -> None:
    limit = PacketLimit()
    assert limit.allows(LARGE)
    limit.sent(1, LARGE)
    limit.sent(2, SMALL)
    assert [sent.address for sent in limit.connected(2048).values()] == [LARGE.address]
    assert limit.allows(SMALL)
    assert not limit.allows(LARGE)
    limit.connected(None)  # another broker has taken its place
    assert limit.allows(LARGE)


def test_two_young_connections_that_end_at_one_message_find_the_limit() -> None:
    limit = PacketLimit()
    limit.sent(1, LARGE)
    assert ends(limit) == []
    assert ends(limit) == [LARGE.address]
    assert (limit.allows(SMALL), limit.allows(LARGE)) == (True, False)


def test_what_was_received_is_not_suspected_nor_what_was_sent_before_it() -> None:
    limit = PacketLimit()
    for _ in range(5):
        limit.sent(1, LARGE)
        limit.sent(2, SMALL)
        limit.received(2)
        assert ends(limit) == []
    assert limit.allows(LARGE)


def test_a_message_without_receipts_is_found_too_and_proves_nothing() -> None:
    large = Message("node/state", b"x" * 2000, 0)
    limit = PacketLimit()
    for number in (1, 3):
        limit.sent(number, large)
        limit.received(number)  # it was written to the socket
        ends(limit)
    assert not limit.allows(large)


def test_a_network_that_comes_and_goes_mutes_no_ordinary_message() -> None:
    limit = PacketLimit()
    limit.sent(1, SMALL)
    assert [ends(limit) for _ in range(5)] == [[]] * 5
    assert limit.allows(SMALL)


def test_what_was_found_is_tried_again_when_another_broker_may_run_there() -> None:
    for comes_back in (PacketLimit.away, lambda limit: ends(limit, young=False)):
        limit = PacketLimit()
        limit.sent(1, LARGE)
        ends(limit)
        ends(limit)
        assert not limit.allows(LARGE)
        comes_back(limit)
        assert limit.allows(LARGE)


def test_a_broker_that_names_the_cause_is_believed_at_once() -> None:
    limit = PacketLimit()
    limit.sent(1, LARGE)
    limit.sent(2, SMALL)
    assert ends(limit, young=False, too_large=True) == [LARGE.address]
    assert limit.allows(SMALL)
