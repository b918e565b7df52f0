"""Which addresses may be connected to."""

import ipaddress

import pytest

from federation import addresses

BLOCKED = [
    # T01
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "169.254.169.254",
    "0.0.0.0",
    "0.1.2.3",
    # T02
    "100.64.0.1",
    "100.127.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    # T03
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "::8.8.8.8",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    # T04
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "2001::1",
    "2001:0:4136:e378::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    # others
    "100::1",
    "2001:db8::1",
    "3fff::1",
    "2620:4f:8000::1",
    "4000::1",
    "::ffff:0:127.0.0.1",
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "198.17.0.1",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700::1",
    "2a00:1450::1",
    "2001:4860:4860::8888",
    "2001:200::1",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize("text", BLOCKED)
def test_special_addresses_are_not_public(text: str) -> None:
    assert not addresses.is_public(addresses.read(text))
    assert not addresses.Policy().allows(addresses.read(text), 443)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_public_at_port_443_only(text: str) -> None:
    policy = addresses.Policy()
    assert policy.allows(addresses.read(text), 443)
    for port in (22, 25, 80, 6379, 8443):
        assert not policy.allows(addresses.read(text), port)


def test_where_the_standard_library_is_too_trusting_we_are_not() -> None:
    """If this fails, Python's table has become better; ours stays, but the remark in the module is old."""
    assert ipaddress.ip_address("64:ff9b::7f00:1").is_global
    assert not addresses.is_public(addresses.read("64:ff9b::7f00:1"))


@pytest.mark.parametrize(
    ("entry", "inside", "port"),
    [
        ("127.0.0.0/8", "127.1.2.3", 443),
        ("127.0.0.0/8:443", "127.1.2.3", 443),
        ("127.0.0.0/8:8443", "127.0.0.1", 8443),
        ("127.0.0.2:8443", "127.0.0.2", 8443),
        ("127.0.0.2", "127.0.0.2", 443),
        ("10.1.0.0/16:*", "10.1.2.3", 9),
        ("fd00::/8", "fd12::1", 443),
        ("[fd00::]/8:8443", "fd12::1", 8443),
        ("[::1]:8443", "::1", 8443),
        ("::1", "::1", 443),
        ("127.0.0.0/8", "::ffff:127.0.0.1", 443),
    ],
)
def test_the_operator_opens_a_network_at_a_port(entry: str, inside: str, port: int) -> None:
    policy = addresses.Policy([entry])
    assert policy.allows(addresses.read(inside), port)
    assert policy.allows_port(port)
    assert policy.opens(addresses.read(inside), port)


def test_what_is_opened_is_opened_there_and_at_that_port_only() -> None:
    policy = addresses.Policy(["127.0.0.2/32:8443"])
    assert not policy.allows(addresses.read("127.0.0.1"), 8443)
    assert not policy.allows(addresses.read("127.0.0.2"), 443)
    assert not policy.allows(addresses.read("1.1.1.1"), 8443)
    assert policy.allows(addresses.read("1.1.1.1"), 443)
    assert not policy.opens(addresses.read("1.1.1.1"), 443)


def test_a_gateway_to_ipv4_can_be_opened_for_public_addresses_only() -> None:
    policy = addresses.Policy(["64:ff9b::/96"])
    assert policy.allows(addresses.read("64:ff9b::808:808"), 443)
    assert not policy.allows(addresses.read("64:ff9b::7f00:1"), 443)


@pytest.mark.parametrize(
    "entry", ["", "localhost", "127.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8:0", "10.0.0.0/8:x", "1.2.3.4:99999"]
)
def test_an_entry_that_is_none_is_named_in_the_error(entry: str) -> None:
    with pytest.raises(ValueError, match="fetch_allow"):
        addresses.Policy([entry])
