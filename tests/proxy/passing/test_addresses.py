"""Where an origin's name may lead."""

import asyncio
import ipaddress
from collections.abc import Sequence

import pytest

from proxy.passing.addresses import AddressRefused, NameUnknown, Resolver, refusal, system_lookup

FORBIDDEN = [
    "127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "169.254.1.1", "fe80::1",
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "224.0.0.1", "ff02::1", "255.255.255.255",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
]  # fmt: skip
ALLOWED = [
    "10.0.0.5",
    "192.168.1.1",
    "172.16.0.1",
    "8.8.8.8",
    "2001:db8::1",
    "fd12:3456::1",
    "::ffff:10.0.0.5",
    "64:ff9b::a00:5",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_nobody_is_led_to_this_machine_or_to_its_cloud(address: str) -> None:
    assert refusal(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", ALLOWED)
def test_provincial_systems_live_on_private_networks(address: str) -> None:
    assert refusal(ipaddress.ip_address(address), ()) is None


def test_configuration_can_allow_what_is_forbidden() -> None:
    assert refusal(ipaddress.ip_address("127.0.0.1"), (ipaddress.ip_network("127.0.0.1/32"),)) is None
    assert refusal(ipaddress.ip_address("127.0.0.2"), (ipaddress.ip_network("127.0.0.1/32"),))


class Names:
    """A resolver that a test leads by the nose."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers[min(self.asked, len(self.answers)) - 1]
        if isinstance(answer, OSError):
            raise answer
        return answer


def resolver(names: Names) -> Resolver:
    return Resolver("lgsp.internal", 80, (), 30, names)


async def test_a_name_is_asked_for_again_when_its_answer_is_old() -> None:
    names = Names(["10.0.0.1"], ["10.0.0.2"])
    asked = resolver(names)
    assert [await asked.addresses(now) for now in (0, 29, 30)] == [("10.0.0.1",), ("10.0.0.1",), ("10.0.0.2",)]
    assert names.asked == 2


async def test_of_many_who_ask_one_looks_up() -> None:
    names = Names(["10.0.0.1"])
    asked = resolver(names)
    assert set(await asyncio.gather(*(asked.addresses(0) for _ in range(10)))) == {("10.0.0.1",)}
    assert names.asked == 1


async def test_the_last_good_answer_serves_while_nobody_answers() -> None:
    names = Names(["10.0.0.1"], OSError("down"), OSError("down"), ["10.0.0.2"])
    asked = resolver(names)
    assert [await asked.addresses(now) for now in (0, 31, 62, 93)] == [("10.0.0.1",)] * 3 + [("10.0.0.2",)]


async def test_but_not_for_ever() -> None:
    asked = resolver(Names(["10.0.0.1"], OSError("down")))
    await asked.addresses(0)
    with pytest.raises(NameUnknown):
        await asked.addresses(4_000)


async def test_a_name_that_was_never_known_is_unknown() -> None:
    with pytest.raises(NameUnknown):
        await resolver(Names(OSError("down"))).addresses(0)


async def test_a_name_that_begins_to_lead_here_is_refused_at_once() -> None:
    asked = resolver(Names(["10.0.0.1"], ["127.0.0.1"]))
    await asked.addresses(0)
    with pytest.raises(AddressRefused, match="this machine"):
        await asked.addresses(30)
    assert asked.known == ()


async def test_a_resolver_that_stalls_holds_nobody_for_long() -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        if asked.known:
            await asyncio.sleep(60)
        return ["10.0.0.1"]

    asked = Resolver("lgsp.internal", 80, (), 30, lookup)
    await asked.addresses(0)
    async with asyncio.timeout(3):
        assert await asked.addresses(31) == ("10.0.0.1",)


async def test_an_address_needs_no_resolver() -> None:
    names = Names(OSError("down"))
    assert await Resolver("10.0.0.7", 80, (), 30, names).addresses(0) == ("10.0.0.7",)
    with pytest.raises(AddressRefused):
        await Resolver("::1", 80, (), 30, names).addresses(0)
    assert names.asked == 0


async def test_of_several_addresses_the_forbidden_are_left_out() -> None:
    assert await resolver(Names(["127.0.0.1", "10.0.0.1", "169.254.169.254"])).addresses(0) == ("10.0.0.1",)


async def test_the_system_knows_localhost() -> None:
    assert "127.0.0.1" in await system_lookup("localhost", 80)
