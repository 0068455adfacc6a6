"""URLs are read as browsers read them, or refused; nothing near is taken for something far."""

# ruff: noqa: RUF001  # look-alikes are this file's business

from __future__ import annotations

import ipaddress

import idna
import pytest
from hostile_urls import SPELLINGS
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega.addresses import BAD_PORTS, mask_query, read_url
from bottega.destinations import Allowed, local_name, refusal
from bottega.errors import InputError


def verdict(url: str) -> str:
    """Return why the URL is refused before anything is looked up; nothing where it is not."""
    try:
        address = read_url(url)
    except InputError as error:
        assert "\n" not in str(error)
        return str(error)
    if address.ip is not None:
        return refusal(address.ip)
    return "near" if local_name(address.host) else ""


def test_there_are_many_spellings() -> None:
    assert len(set(SPELLINGS)) == len(SPELLINGS) >= 82


@pytest.mark.parametrize("url", SPELLINGS, ids=ascii)
def test_every_hostile_spelling_is_refused(url: str) -> None:
    assert verdict(url)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        # the host parser of the WHATWG's standard, https://url.spec.whatwg.org/#host-parsing
        ("http://EXAMPLE.com/", "example.com"),
        ("http://example.com./", "example.com"),
        ("http://ExAmPlE.CoM:80/", "example.com"),
        ("http://example%2Ecom/", "example.com"),
        ("http://faß.example/", "xn--fa-hia.example"),
        ("http://xn--fa-hia.example/", "xn--fa-hia.example"),
        ("http://bücher.example/", "xn--bcher-kva.example"),
        ("http://BÜCHER.example/", "xn--bcher-kva.example"),
        ("http://ＧＯ.com/", "go.com"),
        ("http://ﬁ.example/", "fi.example"),
        ("http://例え。テスト/", "xn--r8jz45g.xn--zckzah"),
        ("http://1.2.3/", "1.2.0.3"),
        ("http://1.2.3.4./", "1.2.3.4"),
        ("http://0x8.0x8.0x8.0x8/", "8.8.8.8"),
        ("http://010.010.010.010/", "8.8.8.8"),
        ("http://134744072/", "8.8.8.8"),
        ("http://8.526344/", "8.8.8.8"),
        ("http://[2606:4700:0:0::1111]/", "2606:4700::1111"),
        ("http://[2606:4700::8.8.8.8]/", "2606:4700::808:808"),
        ("http://1.2.3.4.example/", "1.2.3.4.example"),
        ("http://1e2/", "1e2"),
        ("http://under_score.example/", "under_score.example"),
        ("http://a!$&'()*+,;=~.example/", "a!$&'()*+,;=~.example"),
    ],
)
def test_hosts_are_read_as_browsers_read_them(written: str, host: str) -> None:
    assert read_url(written).host == host


@pytest.mark.parametrize(
    ("written", "url"),
    [
        (" https://example.org ", "https://example.org/"),
        ("HTTPS://example.org:443?a=b#c", "https://example.org/?a=b"),
        ("http://example.org:/a", "http://example.org/a"),
        ("http://example.org:00000000080/", "http://example.org/"),
        ("http://example.org:8080/a/./b/../c/", "http://example.org:8080/a/c/"),
        ("http://example.org/../../x", "http://example.org/x"),
        ("http://example.org/a/%2E%2e/x/.", "http://example.org/x/"),
        ("http://example.org/ä b?ü=ö d", "http://example.org/%C3%A4%20b?%C3%BC=%C3%B6%20d"),
        ("http://example.org/%2f%zz", "http://example.org/%2f%zz"),
        ("http://[2606:4700::1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ('http://example.org/<a>"b"', "http://example.org/%3Ca%3E%22b%22"),
    ],
)
def test_urls_have_one_spelling(written: str, url: str) -> None:
    assert read_url(written).url == url
    assert read_url(url).url == url


@settings(max_examples=60)
@given(st.text(alphabet="0123456789abcdefxäßＡ①²。．.%-_[]:@/\\?# \t", max_size=30))
def test_any_text_is_read_or_refused(rest: str) -> None:
    try:
        address = read_url(f"http://{rest}")
    except InputError:
        return
    assert read_url(address.url) == address
    assert address.host.isascii()


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.data())
def test_every_form_of_an_address_is_one_address(number: int, data: st.DataObject) -> None:
    ip = ipaddress.IPv4Address(number)
    bases = st.sampled_from([str, hex, lambda value: f"0{value:o}" if value else "0"])
    count = data.draw(st.integers(1, 4))
    parts = [*ip.packed[: count - 1], int.from_bytes(ip.packed[count - 1 :])]
    written = ".".join(data.draw(bases)(part) for part in parts)
    assert read_url(f"http://{written}/").ip == ip


names = st.text(
    alphabet=st.characters(codec="utf-8", categories=["L", "Nd"]), min_size=1, max_size=8
)


@settings(max_examples=60)
@given(names)
def test_names_are_encoded_as_idna_does(name: str) -> None:
    """Where the library that aiohttp brings takes a name, ours is the same."""
    try:
        theirs = idna.encode(name + ".example", uts46=True).decode()
    except idna.IDNAError:
        return
    assert read_url(f"http://{name}.example/").host == theirs


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.167.1.1",
     "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::1"],
)  # fmt: skip
def test_the_public_internet_is_open(address: str) -> None:
    assert refusal(ipaddress.ip_address(address)) == ""


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_public(address) -> None:
    if not address.is_global and getattr(address, "ipv4_mapped", None) is None:
        assert refusal(address) or address in ipaddress.ip_network("2001::/23")


def test_what_a_person_lets_through() -> None:
    allowed = Allowed.read(["localhost:8080", "Intra.Example", "[::1]:9", "fd00::1", "10.1.0.0/16"])
    assert allowed.names(read_url("http://LOCALHOST:8080/"))
    assert not allowed.names(read_url("http://localhost/"))
    assert allowed.names(read_url("https://intra.example:444/"))
    assert allowed.names(read_url("http://[0::1]:9/"))
    assert allowed.names(read_url("http://[fd00:0::1]/"))
    assert allowed.has(ipaddress.ip_address("10.1.2.3"))
    assert not allowed.has(ipaddress.ip_address("10.2.2.3"))


@pytest.mark.parametrize(
    "entry", ["", "a b", "host:port", "host:0", "10.0.0.1/8", "http://x/", "[::1"]
)
def test_what_cannot_be_let_through(entry: str) -> None:
    with pytest.raises(InputError, match="is no host"):
        Allowed.read([entry])


def test_secrets_in_queries_are_masked() -> None:
    address = read_url(
        "https://example.org/a?q=cats&api_key=abc&X-Amz-Signature=1&Token=&accessToken=x"
    )
    assert address.shown == (
        "https://example.org/a?q=cats&api_key=***&X-Amz-Signature=***&Token=&accessToken=***"
    )
    assert mask_query("/plain") == "/plain"
    with pytest.raises(InputError) as caught:
        read_url("https://me:pa55@example.org/?token=abc")
    assert "pa55" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_ports_of_other_services_are_known() -> None:
    assert {22, 25, 6379, 11211} <= BAD_PORTS
    assert not {80, 443, 8000, 8080, 8443} & BAD_PORTS
