"""Network addresses as records: for headers, tests and calls that are not hot (`codecs` has the fast paths).

Octets of an address are in network order; a port is a little-endian number except where `AbiGeneration` says
otherwise. The Unix family exists in the 110-byte generation only.
"""

from typing import Annotated

from pywasix.abi.enums import AddressFamily, AddressFamilyIp
from pywasix.abi.layout import ByteArray, Bytes4, Bytes108, Groups16, Record, Union, record, union
from pywasix.abi.records import OptionTimestamp
from pywasix.abi.scalars import U8, U16, IpPort


@record
class AddrUnspec(Record):
    """No address."""

    n0: U8


@record
class AddrUnspecPort(Record):
    """No address, with a port."""

    port: IpPort
    addr: AddrUnspec


@record
class AddrUnspecCidr(Record):
    """No address, with a prefix length."""

    addr: AddrUnspec
    prefix: U8


@record
class AddrIp4(Record):
    """An IPv4 address."""

    octets: Bytes4


@record
class AddrIp4Port(Record):
    """An IPv4 address and a port."""

    port: IpPort
    addr: AddrIp4


@record
class AddrIp4Cidr(Record):
    """An IPv4 address and a prefix length."""

    addr: AddrIp4
    prefix: U8


@record
class AddrIp6(Record):
    """An IPv6 address; flow information and scope are 32-bit numbers, high half first."""

    octets: Groups16
    flow_info1: U16
    flow_info0: U16
    scope_id1: U16
    scope_id0: U16


@record
class AddrIp6Bare(Record):
    """An IPv6 address alone."""

    octets: Groups16


@record
class AddrIp6Port(Record):
    """An IPv6 address and a port."""

    port: IpPort
    addr: AddrIp6


@record
class AddrIp6Cidr(Record):
    """An IPv6 address and a prefix length."""

    addr: AddrIp6
    prefix: U8


@record
class AddrUnix(Record):
    """A path in the file system, NUL-terminated."""

    path: Bytes108


@record
class AddrUnixCidr(Record):
    """Unix addresses have no prefix."""

    unused: U8


@union
class AddrU(Union):
    """An address of any family."""

    unspec: AddrUnspec
    inet4: AddrIp4
    inet6: AddrIp6
    unix: AddrUnix


@record
class Addr(Record):
    """An address without a port."""

    tag: Annotated[int, AddressFamily]
    u: AddrU


@union
class AddrIpU(Union):
    """An IP address."""

    unspec: AddrUnspec
    inet4: AddrIp4
    inet6: AddrIp6Bare


@record
class AddrIp(Record):
    """One of the addresses that `resolve` reports, 18 bytes in every generation."""

    tag: Annotated[int, AddressFamilyIp]
    u: AddrIpU


@union
class AddrPortU(Union):
    """An address of any family and its port."""

    unspec: AddrUnspecPort
    inet4: AddrIp4Port
    inet6: AddrIp6Port
    unix: AddrUnix


@record
class AddrPort(Record):
    """An address and a port: 110 bytes since 2023-09."""

    tag: Annotated[int, AddressFamily]
    u: AddrPortU


@record
class AddrIp6Port20(Record):
    """An IPv6 address and a port before 2023-09."""

    port: IpPort
    addr: AddrIp6Bare


@record
class AddrUnixPort20(Record):
    """A Unix address before 2023-09; nobody ever used it."""

    port: IpPort
    path: Annotated[bytes, ByteArray(16)]


@union
class AddrPort20U(Union):
    """An address of any family and its port before 2023-09."""

    unspec: AddrUnspecPort
    inet4: AddrIp4Port
    inet6: AddrIp6Port20
    unix: AddrUnixPort20


@record
class AddrPort20(Record):
    """An address and a port: 20 bytes before 2023-09."""

    ABI_NAME = "addr_port20"
    tag: Annotated[int, AddressFamily]
    u: AddrPort20U


@union
class AddrCidrU(Union):
    """An address of any family and its prefix length."""

    unspec: AddrUnspecCidr
    inet4: AddrIp4Cidr
    inet6: AddrIp6Cidr
    unix: AddrUnixCidr


@record
class AddrCidr(Record):
    """An address and a prefix length."""

    tag: Annotated[int, AddressFamily]
    u: AddrCidrU


@record
class Route(Record):
    """A route of the guest's network."""

    cidr: AddrCidr
    via_router: Addr
    preferred_until: OptionTimestamp
    expires_at: OptionTimestamp
