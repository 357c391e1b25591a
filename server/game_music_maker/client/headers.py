"""Origins, loopback, and the headers of every request."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..errors import InvalidArgument

_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """``scheme://host:port`` of `url`, lower case, port always named.

    Raises:
        InvalidArgument: not an http or https address.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = parts = None
    if parts is None or parts.scheme not in _PORTS or not host:
        raise InvalidArgument("An address must begin with http:// or https:// and name a host.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{port or _PORTS[parts.scheme]}"


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine itself: ``localhost``, 127.0.0.0/8 or ::1."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def request_headers(attribution: Mapping[str, str], token: str | None) -> dict[str, str]:
    """What every request to the backend carries; without the three attribution headers an export answers
    402."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", **attribution}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return headers
