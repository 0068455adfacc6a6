"""URLs are read as browsers read them, or refused; nothing near is taken for something far."""

# ruff: noqa: RUF001  # look-alikes are this file's business

from __future__ import annotations

import ipaddress
import re

import idna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottega.addresses import BAD_PORTS, mask_query, read_url
from bottega.destinations import Allowed, local_name, refusal
from bottega.errors import InputError

HOSTILE = r"""
http://127.0.0.1/ http://127.0.0.1:80/ http://127.0.0.1./ http://127.255.255.254/
http://2130706433/ http://017700000001/ http://0x7f000001/ http://0X7F000001/
http://0x7f.0x0.0x0.0x1/
http://0177.0.0.1/ http://0177.0.0.01/ http://00000177.0.0.1/ http://127.1/ http://127.0.1/
http://127.1./
http://0x7f.1/ http://0x7f.0.1/ http://127.0x1/ http://127.0.0.0x1/ http://127.00000.0.001/
http://127.65535/
http://0/ http://0.0.0.0/ http://0x/ http://0x0/ http://00/ http://0.1.2.3/ http://0./
http://10.0.0.1/ http://10.1/ http://167772161/ http://0xa000001/ http://012.0.0.1/
http://172.16.0.1/
http://172.31.255.255/ http://192.168.0.1/ http://192.168.257/ http://3232235777/
http://0xc0.0xa8.1.1/
http://100.64.0.1/ http://100.127.255.254/ http://169.254.169.254/ http://2852039166/
http://0xa9fea9fe/
http://0251.0376.0251.0376/ http://169.254.43518/ http://169.16689662/ http://169.254.170.2/
http://100.100.100.200/ http://168.63.129.16/ http://192.0.0.192/ http://192.0.2.1/
http://198.18.0.1/
http://198.51.100.7/ http://203.0.113.9/ http://224.0.0.1/ http://239.255.255.250/ http://240.0.0.1/
http://255.255.255.255/ http://4294967295/ http://192.88.99.1/
http://[::]/ http://[::1]/ http://[0:0:0:0:0:0:0:1]/ http://[0000::0001]/ http://[::1]:80/
http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[0:0:0:0:0:ffff:7f00:0001]/
http://[::ffff:10.0.0.1]/ http://[::ffff:a9fe:a9fe]/ http://[::ffff:169.254.169.254]/
http://[::127.0.0.1]/ http://[::7f00:1]/ http://[::ffff:0:127.0.0.1]/ http://[64:ff9b::127.0.0.1]/
http://[64:ff9b::a9fe:a9fe]/ http://[64:ff9b:1::a00:1]/ http://[2002:7f00:1::]/
http://[2002:a9fe:a9fe::1]/
http://[2002:0a00:0001::1]/ http://[2001:0:0a00:1::1]/ http://[2001:0:5db8:d70e::80ff:fffe]/
http://[2606:4700::5efe:127.0.0.1]/ http://[2606:4700::200:5efe:10.0.0.1]/
http://[fe80::1]/ http://[fe80::a9fe:a9fe]/ http://[fc00::1]/ http://[fd00:ec2::254]/
http://[fd20:ce::254]/
http://[fec0::1]/ http://[ff02::1]/ http://[2001:db8::1]/ http://[3fff::1]/ http://[100::1]/
http://[4000::1]/
http://localhost/ http://LOCALHOST/ http://localhost./ http://LocalHost:8080/ http://a.localhost/
http://localhost.localdomain/ http://ip6-localhost/ http://printer.local/ http://db.internal/
http://metadata.google.internal/ http://METADATA.google.internal./ http://metadata/
http://metadata.goog/
http://instance-data/ http://router.lan/ http://nas.home.arpa/
http://%6c%6f%63%61%6c%68%6f%73%74/ http://loc%61lhost/ http://%31%32%37.0.0.1/
http://127%2e0%2e0%2e1/
http://127.0.0.1%2e/ http://%30%78%37%66.1/ http://%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1/
http://①②⑦.⓪.⓪.①/ http://１２７.０.０.１/ http://127。0。0。1/ http://127．0．0．1/ http://127｡0｡0｡1/
http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/ http://𝟙𝟚𝟟.1/ http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/ http://ｌｏｃａｌｈｏｓｔ/ http://𝓁ocalhost/
http://local\u00adhost/
http://loc\u200balhost/ http://lo\u2060calhost/ http://localho\ufe0fst/ http://1²7.0.0.1/
http://loc℀lhost.local/
http://ｍetadata.google.internal/ http://LOCALHOſT/ http://localhost。/ http://[::１]/ http://０x7f.1/
http:\\127.0.0.1\ http:/127.0.0.1/ http:127.0.0.1/ http:///127.0.0.1/ http:////127.0.0.1/
http:\/127.0.0.1
https:/\127.0.0.1/ //127.0.0.1/ \\127.0.0.1\ http://\127.0.0.1/ http://127.0.0.1\@example.org/
http://example.org\@127.0.0.1/ http://example.org@127.0.0.1/ http://127.0.0.1@example.org/
http://example.org:80@127.0.0.1/ http://user:pw@example.org/ http://@127.0.0.1/ http://:@127.0.0.1/
http://example.org%40127.0.0.1/ http://example.org#@127.0.0.1:x\t/ http://127.0.0.1%00.example.org/
http://127.0.0.1%0d%0aHost:x/ http://example.org%2f127.0.0.1/ http://127.0.0.1%20.example.org/
http://127.0.0.1\t/ http://12\t7.0.0.1/ http://127.0.0.1\n.example.org/ http://loc\nalhost/
ht\ntp://127.0.0.1/
http://[::1%25eth0]/ http://[::1%eth0]/ http://[fe80::1%25lo]/ http://[::1/ http://::1/
http://[127.0.0.1]/
http://[::ffff:127.0.0.1.]/ http://[::ffff:0x7f.0.0.1]/ http://[1::2::3]/ http://[]/ http://[::1]x/
http://[vF.127.0.0.1]/ http://1.2.3.4.5/ http://256.0.0.1/ http://1.2.3.256/ http://08.0.0.1/
http://999999999999/ http://0xfffffffff/ http://127..0.1/ http://.127.0.0.1/ http://1.2.3.4../
http://127.0.0.1:99999/ http://127.0.0.1:-1/ http://127.0.0.1:8o/ http://127.0.0.1:８０/
http://example.org:0/
http://example.org:65536/ http://a..b/ http:// http://? http://#127.0.0.1 http://\ud800.org/
file:///etc/passwd file://127.0.0.1/c$ gopher://127.0.0.1:6379/_INFO ftp://127.0.0.1/ dict://127.0.0.1:11211/
ldap://127.0.0.1/ jar:http://127.0.0.1!/ data:text/html,x javascript:alert(1) view-source:http://127.0.0.1/
ws://127.0.0.1/ httpx://127.0.0.1/ blob:http://127.0.0.1/x 127.0.0.1 localhost:80
//localhost unix:/run/x
"""
"""White space and what cannot be seen is written as escapes."""


def unescape(match: re.Match[str]) -> str:
    return {"t": "\t", "n": "\n"}.get(match[1]) or chr(int(match[1][1:], 16))


SPELLINGS = [re.sub(r"\\(t|n|u[0-9a-f]{4})", unescape, word) for word in HOSTILE.split()]


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
