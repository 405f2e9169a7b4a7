"""Names of hosts on a virtual network."""

from __future__ import annotations

import pytest

from pywasix import VirtualNetwork
from pywasix.errors import OptionError


def test_hosts_have_names() -> None:
    with VirtualNetwork() as net:
        db = net.attach("10.0.0.9", "DB")
        web = net.attach(name="web.example.")
        assert db.lookup("web.example") == ["10.0.0.2", "fd00::2"] == net.lookup("WEB.Example.")
        assert web.lookup("db") == list(db.addresses) == ["10.0.0.9", "fd00::9"]
        assert web.lookup("host") == list(net.addresses)
        assert web.lookup("nobody") == []
        db.close()
        assert web.lookup("db") == []
        assert net.attach(name="db").lookup("db") == ["10.0.0.3", "fd00::3"]


def test_every_host_is_its_own_localhost() -> None:
    with VirtualNetwork() as net:
        for name in ("localhost", "LocalHost.", "api.localhost"):
            assert net.attach().lookup(name) == ["127.0.0.1", "::1"]


def test_names_that_are_added() -> None:
    with VirtualNetwork() as net:
        net.add_name("cluster", "fd00::7")
        net.add_name("cluster", "10.0.0.7")
        net.add_name("cluster", "10.0.0.8")
        net.add_name("Cluster", "10.0.0.7")
        assert net.lookup("cluster") == ["10.0.0.7", "10.0.0.8", "fd00::7"]
        host = net.attach("10.0.0.5", "many")
        net.add_name("many", "10.0.0.6")
        host.close()
        assert net.lookup("many") == ["10.0.0.6"]


def test_what_is_no_name() -> None:
    with VirtualNetwork() as net:
        for name in ("", ".", "two words", "nul\0", "x" * 254, "localhost", "a.localhost", "10.0.0.1", "::1"):
            with pytest.raises(OptionError):
                net.attach(name=name)
            with pytest.raises(OptionError):
                net.add_name(name, "10.0.0.1")
        with pytest.raises(OptionError, match="taken"):
            net.attach(name="Host")
        with pytest.raises(OptionError, match="no IP address"):
            net.add_name("x", "somewhere")
        assert net.attach().addresses[0] == "10.0.0.2", "what failed took no address"
