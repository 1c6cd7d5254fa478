"""Normalize e-mail and client addresses, wherever attempts are counted by them."""

import unicodedata
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

IPV6_PREFIX_BITS: Final = 64  # one site usually holds all of it: RFC 6177


def normalize_email(email: str) -> str:
    """Return one spelling for all spellings of a mailbox, in lower case with an ASCII domain.

    Tags after a plus sign and dots stay: which of them name the same mailbox is up to each provider.
    """
    local, _, domain = unicodedata.normalize("NFKC", email.strip()).lower().rpartition("@")
    with suppress(UnicodeError):  # not every domain is a name IDNA 2003 can encode
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}"


def get_client_network(ip: str) -> IPv4Network | IPv6Network:
    """Return an IPv4 address as a network of one, and for IPv6 the /64 a client may choose from."""
    address = ip_address(ip)
    bits = IPV6_PREFIX_BITS if address.version == 6 else address.max_prefixlen
    return ip_network((address, bits), strict=False)
