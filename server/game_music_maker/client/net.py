"""Which addresses may be contacted: public ones, checked once and connected to as checked.

Names are resolved here, every answer is unwrapped (IPv4-mapped, NAT64, 6to4, Teredo) and must be public;
the connection then goes to the checked address itself, with the name kept for TLS and the Host header, so
that a second, different answer of the name server changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import InvalidArgument, NotAllowedPath
from .headers import origin_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_ADVICE = "Use a public http or https address, or download the file and give its path."


@dataclass(frozen=True, slots=True)
class Checked:
    """An address that may be contacted: `url` names the host by its checked number, `host` is the name it
    came from."""

    url: str
    host: str
    host_header: str


def unwrap_address(address: Address) -> list[Address]:
    """`address` and every IPv4 address that is carried inside it."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            found.append(address.ipv4_mapped)
        if address.sixtofour is not None:
            found.append(address.sixtofour)
        if address.teredo is not None:
            found += list(address.teredo)
        if any(address in net for net in _NAT64) or (address in _COMPATIBLE and int(address) > 0xFFFF):
            found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def is_public(address: Address) -> bool:
    """Whether `address`, and all that it carries, is a unicast address of the public internet."""
    for one in unwrap_address(address):
        if isinstance(one, ipaddress.IPv6Address) and (one.ipv4_mapped or one.sixtofour or one.teredo):
            continue  # a wrapper: judged by what it carries
        if isinstance(one, ipaddress.IPv6Address) and any(one in net for net in _NAT64):
            continue
        if not one.is_global or one.is_multicast or one.is_reserved or one.is_unspecified or one.is_loopback:
            return False
        if isinstance(one, ipaddress.IPv6Address) and one.is_site_local:
            return False
    return True


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host`, by the system's resolver.

    Raises:
        OSError: the name does not resolve.
    """
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


async def check_url(url: str, *, loopback: bool = False, lookup: Resolve = resolve) -> Checked:
    """Resolve and check `url`.

    Args:
        loopback: also allow this machine's own addresses (results of a backend that is itself on loopback).

    Raises:
        InvalidArgument: not an http or https address, or its name does not resolve.
        NotAllowedPath: it leads to an address that is not public.
    """
    origin = origin_of(url)
    parts, bare = urlsplit(url), urlsplit(origin)
    host, port = bare.hostname or "", bare.port or 0
    if parts.username or parts.password:
        raise InvalidArgument("An address with a user name or password in it is not used.", next=_ADVICE)
    try:
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in await lookup(host, port)]
    except (OSError, UnicodeError, ValueError):
        found = []
    if not found:
        raise InvalidArgument("The host of this address cannot be found.", next=_ADVICE)
    for address in found:
        local = loopback and all(one.is_loopback for one in unwrap_address(address)[-1:])
        if not local and not is_public(address):
            raise NotAllowedPath("This address does not lead to the public internet.", next=_ADVICE)
    first = min(found, key=lambda address: address.version)  # IPv4 first: reachable from everywhere
    number = f"[{first}]" if first.version == 6 else str(first)
    shown = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme] == port
    target = parts._replace(netloc=f"{number}:{port}", fragment="").geturl()
    return Checked(url=target, host=host, host_header=shown if default else f"{shown}:{port}")
