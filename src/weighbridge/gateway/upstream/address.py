"""Which address an upstream's name means: resolved here, checked, and then kept, so that no later answer moves it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from weighbridge.gateway.upstream.protocol import UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Collection

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

__all__ = ["is_blocked", "resolve"]

_PORTS = {"http": 80, "https": 443}
# where clouds hand out credentials, outside of the link-local ranges
# Alibaba help.aliyun.com/document_detail/108460.html, Oracle docs.oracle.com "Getting Instance Metadata", Azure's
# host agent learn.microsoft.com "what-is-ip-address-168-63-129-16", AWS docs.aws.amazon.com "IMDS over IPv6",
# Google cloud.google.com/compute/docs/metadata
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052


def is_blocked(address: Address, allowed: Collection[str] = ()) -> bool:
    """Whether no upstream may be at an address: link-local, metadata, multicast, unspecified.

    `allowed` lists exceptions. An IPv4 address in an IPv6 one (mapped, 6to4, NAT64) is judged as what it stands for.
    """
    if str(address) in allowed:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_blocked(inner, allowed)
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA


async def resolve(url: str, allowed: Collection[str] = ()) -> tuple[str, str, int]:
    """Return host name, address and port of a URL; raises UpstreamFailure (`blocked`, `connect`).

    One blocked address among several blocks the name: a name that points there at all is not to be trusted.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    if not host or not port:
        raise UpstreamFailure("blocked", "the address is not that of an HTTP server")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UpstreamFailure("connect", "the name cannot be resolved") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or any(is_blocked(address, allowed) for address in addresses):
        raise UpstreamFailure("blocked", "the name leads to an address that is not allowed")
    return host, str(addresses[0]), port
