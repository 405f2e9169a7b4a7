"""Programs that use UDP on a virtual network: each other, Python, and what they find there is what the host does."""

from __future__ import annotations

import pytest

import pywasix
from conftest import StartGuest
from pywasix import VirtualNetwork
from support import PATIENCE, guest


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
def test_python_talks_to_programs(start_guest: StartGuest, wildcard: str) -> None:
    with VirtualNetwork() as net:
        for _ in range(2):
            start_guest("udp_echo", "-q", "-n", "3", "7", wildcard, net=net)
        hosts = ["10.0.0.2", "10.0.0.3"] if wildcard == "0.0.0.0" else ["fd00::2", "fd00::3"]
        with net.datagram(family=None if "." in hosts[0] else 10) as sock:
            sock.settimeout(PATIENCE)
            for host in hosts:
                net.wait_bound((host, 7), PATIENCE)
                for size in (0, 1, 60_000):
                    assert sock.sendto(b"x" * size, (host, 7)) == size
                    data, sender = sock.recvfrom(1 << 16)
                    assert (data, sender[:2]) == (b"x" * size, (host, 7))


def test_python_asks_everybody(start_guest: StartGuest) -> None:
    with VirtualNetwork() as net:
        for _ in range(2):
            start_guest("udp_echo", "-q", "-n", "1", "7", "0.0.0.0", net=net)
        for host in ("10.0.0.2", "10.0.0.3"):
            net.wait_bound((host, 7), PATIENCE)
        with net.datagram(broadcast=True) as sock:
            sock.settimeout(PATIENCE)
            sock.sendto(b"who is there?", ("255.255.255.255", 7))
            answers = [sock.recvfrom(100) for _ in range(2)]
        assert sorted(answers) == [(b"who is there?", (host, 7)) for host in ("10.0.0.2", "10.0.0.3")]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_program_finds_what_it_finds_on_the_host(host: str) -> None:
    told = []
    with VirtualNetwork() as net:
        for network in (True, net):
            done = pywasix.run(
                [guest("behaviours_udp"), host], net=network, capture_output=True, text=True, timeout=PATIENCE
            )
            assert done.returncode == 0, done
            told.append(done.stdout.splitlines())
    assert len(told[0]) > 50
    assert told[1] == told[0]
