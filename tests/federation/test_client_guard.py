"""What is never connected to: private addresses, other ports and schemes, blocked domains, at no hop."""

import pytest

from federation import urls
from federation.client import BadAnswer, Unreachable
from models.base import now

from .fetching import DOCUMENT, Make, NodeSigner, Resolver, refused
from .hostile import Certificates, Peer, answer, redirect
from .signing import Signed

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[fc00::1]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "8.8.8.8",
    ],
)
async def test_t01_addresses_instead_of_names_are_refused(make: Make, peer: Peer, host: str) -> None:
    for url in (f"https://{host}/u/x", f"https://{host}:443/u/x"):
        await refused(make(fetch_allow=[]).get(url), "address")
        await refused(make(fetch_allow=[]).post(url, b"{}", headers={}), "address")
    assert peer.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "fe80::1%lo",
        "ff02::1",
        "64:ff9b::7f00:1",
        "2001::1",
        "2002:7f00:1::",
        "nonsense",
    ],
)
async def test_t02_t03_t04_names_of_special_addresses_are_refused(make: Make, address: str) -> None:
    await refused(
        make(fetch_allow=[], resolver=Resolver({"evil.test": [address]})).get("https://evil.test/"), "address"
    )


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.1",
        "127.1",
        "①②⑦.⓪.⓪.①",
        "evil.test.",
        "localhost",
        "x.localhost",
        "printer.local",
        "metadata.google.internal",
        "abc.onion",
        "abc.i2p",
        "intranet",
    ],
)
async def test_t05_strange_hosts_are_refused_before_dns(make: Make, host: str) -> None:
    resolver = Resolver({})
    await refused(make(fetch_allow=["127.0.0.0/8:*"], resolver=resolver).get(f"https://{host}/"))
    assert resolver.asked == []


@pytest.mark.parametrize("port", [22, 25, 80, 6379, 8443])
async def test_t11_other_ports_are_refused_before_dns(make: Make, port: int) -> None:
    resolver = Resolver({"good.test": ["93.184.216.34"]})
    await refused(make(fetch_allow=[], resolver=resolver).get(f"https://good.test:{port}/"), "port")
    assert resolver.asked == []


async def test_t11_a_port_is_opened_for_its_network_only(make: Make, peer: Peer) -> None:
    client = make(resolver=Resolver({"good.test": ["93.184.216.34"]}))
    await refused(client.get(peer.url("/u/anna")), "address")


@pytest.mark.parametrize(
    "url",
    [
        "http://good.test/",
        "https://good.test@evil.test/",
        "https://evil.test\\@good.test/",
        "https://good.test\t/",
        "https://\uff45vil.test/",
        "file:///etc/passwd",
        "ftp://good.test/",
        "",
        "good.test",
        "https://good.test/ x",
    ],
)
async def test_t14_urls_with_two_readings_and_other_schemes_are_refused(make: Make, url: str) -> None:
    resolver = Resolver({})
    await refused(make(resolver=resolver).get(url))
    await refused(make(resolver=resolver).post(url, b"", headers={}))
    assert resolver.asked == []


async def test_a_number_that_the_operator_opened_may_be_asked(make: Make, peer: Peer) -> None:
    assert (await make().get(peer.url("/u/anna", host="127.0.0.1"))).ok


async def test_t06_a_name_that_changes_its_mind_leads_nowhere_else(make: Make, peer: Peer) -> None:
    answers = iter([["127.0.0.1"], ["127.9.9.9"], ["169.254.169.254"]])
    resolver = Resolver({"good.test": lambda: next(answers)})
    client = make(resolver=resolver, fetch_allow=[f"127.0.0.1/32:{peer.port}"])
    assert (await client.get(peer.url("/u/anna"))).ok
    assert resolver.asked == ["good.test"], "one lookup for one request: what was checked is what is connected to"
    await refused(client.get(peer.url("/u/anna")), "address")
    await refused(client.get(peer.url("/u/anna")), "address")
    assert peer.connections == 1


async def test_t07_one_private_address_among_public_ones_refuses_the_name(make: Make, peer: Peer) -> None:
    client = make(resolver=Resolver({"good.test": ["127.0.0.1", "10.0.0.1"]}))
    await refused(client.get(peer.url("/u/anna")), "address")
    assert peer.connections == 0


async def test_a_name_without_address_is_a_passing_failure(make: Make, peer: Peer) -> None:
    await refused(make(resolver=Resolver({})).get(peer.url()), "dns", Unreachable)


async def test_the_next_address_is_tried_where_nobody_answers(make: Make, peer: Peer) -> None:
    client = make(resolver=Resolver({"good.test": ["127.0.0.2", "127.0.0.1"]}))
    assert (await client.get(peer.url("/u/anna"))).ok


async def test_a_dead_host_is_a_passing_failure(make: Make, peer: Peer) -> None:
    client = make(resolver=Resolver({"good.test": ["127.0.0.2"]}))
    await refused(client.get(peer.url("/u/anna")), "connect", Unreachable)


async def test_a_certificate_for_another_name_is_a_failure(make: Make, peer: Peer) -> None:
    client = make(resolver=Resolver({"stranger.test": ["127.0.0.1"]}))
    await refused(client.get(peer.url("/u/anna", host="stranger.test")), "connect", Unreachable)
    assert peer.log == []


async def test_only_the_given_authority_is_trusted(make: Make, peer: Peer) -> None:
    await refused(make(ca_file=None).get(peer.url("/u/anna")), "connect", Unreachable)
    assert peer.log == []


async def test_the_environment_cannot_send_us_through_a_proxy(
    make: Make, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert (await make().get(peer.url("/u/anna"))).ok


async def test_a_redirect_is_followed_and_told(make: Make, peer: Peer) -> None:
    peer.routes["/@anna"] = redirect("/u/anna")
    fetched = await make().get(peer.url("/@anna"))
    assert (fetched.url, fetched.hops, fetched.body) == (peer.url("/u/anna"), 1, DOCUMENT)


async def test_each_hop_is_signed_anew_for_its_own_host(make: Make, peer: Peer) -> None:
    peer.routes["/@anna"] = redirect(peer.url("/u/anna", host="other.test"))
    await make().get(peer.url("/@anna"), signer=NodeSigner())
    first, second = peer.log
    assert first.headers["signature"] != second.headers["signature"]
    assert second.headers["host"] == f"other.test:{peer.port}"
    Signed("GET", second.target, list(second.headers.items()), b"").verify(
        origin=f"https://other.test:{peer.port}", now=now()
    )


async def test_t08_a_redirect_inside_is_refused_and_shown_no_signature(make: Make, certificates: Certificates) -> None:
    inside = await Peer(certificates.server).start()
    plain = await Peer(None).start()
    outside = await Peer(certificates.server).start()
    client = make(fetch_allow=[f"127.0.0.0/8:{outside.port}"])
    for location in (
        f"http://127.0.0.1:{plain.port}/",
        f"https://127.0.0.1:{inside.port}/",
        inside.url("/"),
        "https://10.0.0.1/",
    ):
        outside.routes["/@anna"] = redirect(location)
        await refused(client.get(outside.url("/@anna"), signer=NodeSigner()))
    assert (inside.connections, plain.connections) == (0, 0)
    for each in (inside, plain, outside):
        await each.stop()


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "gopher://evil.test/",
        "ftp://evil.test/",
        "data:application/activity+json,{}",
        "//u@evil.test/",
        "http://good.test/",
        "https://[::1",
        "javascript:1",
    ],
)
async def test_t09_redirects_to_other_schemes_are_refused(make: Make, peer: Peer, location: str) -> None:
    peer.routes["/@anna"] = redirect(location)
    await refused(make().get(peer.url("/@anna")), "redirect")
    assert len(peer.log) == 1


async def test_t10_a_redirect_to_itself_ends_at_once(make: Make, peer: Peer) -> None:
    peer.routes["/a"] = redirect("/b")
    peer.routes["/b"] = redirect("/a#again")
    error = await refused(make().get(peer.url("/a")), "redirect-loop", BadAnswer)
    assert error.permanent
    assert len(peer.log) == 2


async def test_t10_endless_redirects_end_after_three(make: Make, peer: Peer) -> None:
    for step in range(10):
        peer.routes[f"/{step}"] = redirect(f"/{step + 1}")
    await refused(make().get(peer.url("/0")), "redirects", BadAnswer)
    assert len(peer.log) == 4


async def test_who_wants_no_redirect_gets_none(make: Make, peer: Peer) -> None:
    peer.routes["/a"] = redirect("/u/anna")
    await refused(make().get(peer.url("/a"), redirects=0), "redirects", BadAnswer)


async def test_a_location_in_raw_utf8_is_understood(make: Make, peer: Peer) -> None:
    peer.routes["/a"] = redirect("/sp\u00f8rg")
    peer.routes["/sp%C3%B8rg"] = answer(200, DOCUMENT)
    assert (await make().get(peer.url("/a"))).ok


async def test_t120_a_blocked_host_is_not_asked_also_not_by_redirect(make: Make, peer: Peer) -> None:
    async def blocked(host: str) -> bool:
        return urls.within_domain(host, "evil.test")

    client = make(blocked=blocked)
    peer.routes["/a"] = redirect(peer.url("/u/anna", host="evil.test"))
    await refused(client.get(peer.url("/u/anna", host="EVIL.test")), "blocked")
    await refused(client.post(peer.url("/inbox", host="evil.test"), b"{}", headers={}), "blocked")
    await refused(client.get(peer.url("/a")), "blocked")
    assert [request.headers["host"] for request in peer.log] == [f"good.test:{peer.port}"]
