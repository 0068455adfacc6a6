"""Spellings of URLs by which tools of the web were led inside, or could be: all are refused."""

# ruff: noqa: RUF001  # look-alikes are this file's business

from __future__ import annotations

import re

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
