"""Limits on connections, and policies used by several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pywasix.net.policy import ConnectionLimits, NetworkPolicy, Request


def connect(address: str, port: int) -> Request:
    return Request("connect", "tcp", 6 if ":" in address else 4, remote=(address, port))


def together(count: int, work: Callable[[], None]) -> None:
    """Run a function in several threads that start at once, and wait for all."""
    gate = threading.Barrier(count)

    def body() -> None:
        gate.wait()
        work()

    threads = [threading.Thread(target=body) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_counters_are_exact_with_several_threads() -> None:
    rules = NetworkPolicy.from_rules("ipv4:allow=127.0.0.1:80, dns:allow=*:*, ipv4:allow=*:53/in")

    def work() -> None:
        for number in range(200):
            assert rules.check(connect("127.0.0.1", 80))
            assert not rules.check(connect("127.0.0.1", 81))
            rules.learn("a.test", [f"203.0.113.{number}"])
            assert rules.check(connect(f"203.0.113.{number}", 5))
            assert rules.check(Request("receive", "udp", 4, local=("0.0.0.0", 53), remote=(f"203.0.113.{number}", 5)))

    together(4, work)
    assert (rules.allowed, rules.refused) == (4 * 600, 4 * 200)


def test_limits_in_total_and_per_peer() -> None:
    limits = ConnectionLimits(total=3, per_peer=2)
    assert [limits.admit(peer) for peer in ("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1")] == [True, True, False]
    assert [limits.admit(peer) for peer in ("fe80::1%a", "fe80::1%b")] == [True, False]
    assert (limits.open, limits.refused) == (3, 2)
    limits.release("::ffff:a00:1")
    assert [limits.admit(peer) for peer in ("fe80::1", "10.0.0.1")] == [True, False]
    assert limits.open == 3


def test_no_limits() -> None:
    limits = ConnectionLimits()
    assert all(limits.admit("10.0.0.1") for _ in range(1000))
    for _ in range(1000):
        limits.release("10.0.0.1")
    assert limits.open == 0
    with pytest.raises(ValueError, match=r"no connection with 10\.0\.0\.1"):
        limits.release("10.0.0.1")


def test_zero_admits_nobody_and_peers_without_an_address_count() -> None:
    assert not ConnectionLimits(total=0).admit("10.0.0.1")
    assert not ConnectionLimits(per_peer=0).admit("10.0.0.1")
    limits = ConnectionLimits(per_peer=1)
    assert [limits.admit("/run/socket"), limits.admit("/run/socket"), limits.admit("")] == [True, False, True]


@pytest.mark.parametrize("limits", [(-1, None), (None, -1)])
def test_a_negative_limit_is_an_error(limits: tuple[int | None, int | None]) -> None:
    with pytest.raises(ValueError, match="negative"):
        ConnectionLimits(*limits)


def test_limits_hold_with_several_threads() -> None:
    limits = ConnectionLimits(total=5)
    most = 0

    def work() -> None:
        nonlocal most
        for _ in range(200):
            if limits.admit("10.0.0.1"):
                most = max(most, limits.open)
                limits.release("10.0.0.1")

    together(8, work)
    assert limits.open == 0
    assert 1 <= most <= 5
