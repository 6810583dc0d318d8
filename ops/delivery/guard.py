"""Where a notifier may connect to: the one guard against server-side request forgery.

An address from the settings must be https and lead to public addresses only, unless the channel says that it may be
private. The name is resolved once and the connection goes to the address that was checked, so a name server can't
answer differently the second time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from engine.domain.errors import DeliveryError

_TUNNELS = tuple(ipaddress.ip_network(net) for net in ("2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48"))
"""6to4, Teredo, NAT64: IPv6 addresses that lead to an IPv4 address hidden inside."""

Resolve = Callable[[str, int], list[str]]


class Target(NamedTuple):
    """Where to connect (`url` with the checked address in it), and the name to ask for in `Host` and TLS."""

    url: str
    host: str
    name: str


def resolve(name: str, port: int) -> list[str]:
    """All addresses of a name. Raises OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """An address of the open internet: not private, loopback, link-local, multicast or a tunnel to such.

    >>> [is_public(a) for a in ("9.9.9.9", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "2002:7f00:1::")]
    [True, False, False, False, False, False]
    """
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in tunnel for tunnel in _TUNNELS):
            return False
    return ip.is_global and not ip.is_multicast


def guarded(url: str, *, allow_private: bool, resolver: Resolve = resolve) -> Target:
    """Check an address and resolve its name. Raises DeliveryError, final when the address itself is refused."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise DeliveryError("the url can't be read", retry=False) from error
    name = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not name or parts.username or parts.password:
        raise DeliveryError("the url must be https://name/… without a password in it", retry=False)
    if parts.scheme != "https" and not allow_private:
        raise DeliveryError("plain http is refused; use https, or allow_private for your own network", retry=False)
    try:
        addresses = resolver(name, port)
    except OSError as error:
        raise DeliveryError(f"{name}: the name can't be resolved") from error
    if not addresses:
        raise DeliveryError(f"{name}: the name has no address")
    if not allow_private and not all(is_public(address) for address in addresses):
        raise DeliveryError(f"{name}: leads to a private address; allow_private permits it", retry=False)
    bracketed = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = f"[{name}]" if ":" in name else name
    default = port == (443 if parts.scheme == "https" else 80)
    return Target(f"{parts.scheme}://{bracketed}:{port}{path}", host if default else f"{host}:{port}", name)
