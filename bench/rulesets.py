"""Old addresses in any number, the same ones every time: what they are, where they lead, and who asks for which.

The rule of a number needs no other rule, so a million of them need no memory, and a load draws from ten million without
making them.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

PAGES: Final = "https://dichvucong.gov.vn/thu-tuc-hanh-chinh/"
CRAWLER: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_ODD: Final = 0x9E3779B97F4A7C15F39CC061  # multiplied by it modulo 2⁹⁶ every number comes once, in no order
_MASK: Final = (1 << 96) - 1


class Site(NamedTuple):
    """A portal that the rules are about."""

    portal: str
    host: str


class OldAddress(NamedTuple):
    """One rule: an address that is gone, and where it leads."""

    number: int
    site: Site
    path: str
    target: str

    @property
    def rule(self) -> str:
        """The rule's name."""
        return f"import-17/{self.number:08}"

    @property
    def url(self) -> str:
        """The address as people have it in their bookmarks."""
        return f"https://{self.site.host}{self.path}"


def old_address(number: int, sites: Sequence[Site], *, edition: int = 0) -> OldAddress:
    """The rule of a number.

    edition  another one leads elsewhere from the same address
    """
    mixed = number * _ODD & _MASK
    site = sites[number % len(sites)]
    return OldAddress(number, site, f"/vi/procedure/detail/{mixed:024x}", f"{PAGES}{mixed + edition:036x}")


def old_addresses(count: int, sites: Sequence[Site]) -> Iterator[OldAddress]:
    """All rules below a number."""
    return (old_address(number, sites) for number in range(count))


def drawn(count: int, among: int, sites: Sequence[Site], *, seed: int) -> list[OldAddress]:
    """So many rules, each drawn from all with the same chance."""
    chance = random.Random(seed)
    return [old_address(chance.randrange(among), sites) for _ in range(count)]


class Template(NamedTuple):
    """One rule for many addresses."""

    number: int
    template: str  # as our rules spell it
    expression: str  # as nginx spells it, with one group
    sample: str  # an address that it knows, with one hole for a number

    @property
    def rule(self) -> str:
        """The rule's name."""
        return f"page-{self.number:06}"


_SHAPES: Final = (  # ours, nginx's, an address; the number's place is never the same
    ("/dich-vu-{n}/{{id:number}}", "^/dich-vu-{n}/([0-9]+)$", "/dich-vu-{n}/{{}}"),
    ("/vi/dich-vu-{n}/{{id:number}}", "^/vi/dich-vu-{n}/([0-9]+)$", "/vi/dich-vu-{n}/{{}}"),
    ("/{{lang:language}}/tin/{n}/{{id:number}}", "^/(?:vi|en)/tin/{n}/([0-9]+)$", "/vi/tin/{n}/{{}}"),
    ("/so-{n}/ho-so/{{id:number}}/xem", "^/so-{n}/ho-so/([0-9]+)/xem$", "/so-{n}/ho-so/{{}}/xem"),
    ("/phong/{{id:number}}/loai-{n}", "^/phong/([0-9]+)/loai-{n}$", "/phong/{{}}/loai-{n}"),
    ("/web/{{id:number}}/muc/{n}/trang", "^/web/([0-9]+)/muc/{n}/trang$", "/web/{{}}/muc/{n}/trang"),
)


_LATE: Final = (  # what tells them apart comes last: each expression reads an address to its end before it gives up
    "/{{org:word}}/thu-tuc/{{id:number}}/trang-{n}",
    "^/[^/]+/thu-tuc/([0-9]+)/trang-{n}$",
    "/so-noi-vu/thu-tuc/{{}}/trang-{n}",
)


def template(number: int) -> Template:
    """The template of a number, of one of six shapes."""
    return _template(number, _SHAPES[number % len(_SHAPES)])


def late_template(number: int) -> Template:
    """The template of a number, all of one shape: the worst case for whoever tries one after the other."""
    return _template(number, _LATE)


def _template(number: int, shape: tuple[str, str, str]) -> Template:
    ours, theirs, sample = (text.format(n=f"{number:06}") for text in shape)
    return Template(number, ours, theirs, sample)


def head(host: str, path: str, *lines: str) -> bytes:
    """A request that keeps its connection (RFC 9112)."""
    return "\r\n".join((f"GET {path} HTTP/1.1", f"Host: {host}", *lines, "", "")).encode()


CRAWLING: Final = (f"User-Agent: {CRAWLER}", "Accept: text/html")
"""Who is sent away at once, in every phase."""
READING: Final = (
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: vi-VN,vi;q=0.9",
    "Accept-Encoding: gzip",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
)
"""Who is shown the notice."""
