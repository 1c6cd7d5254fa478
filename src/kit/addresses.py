"""Normalize e-mail and client addresses, wherever they are compared or attempts are counted by them."""

import unicodedata
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

import idna

IPV6_PREFIX_BITS: Final = 64  # one site usually holds all of it: RFC 6177


def normalize_email(email: str) -> str:
    """Return an address in lower case and NFC, with an ASCII domain, to compare it by.

    Canonical equivalents only: a provider may give the compatibility forms of a letter, such as the
    full-width one, to different people. Dots and tags after a plus sign stay for the same reason.
    """
    local, _, domain = email.strip().rpartition("@")
    return f"{_lower_nfc(local)}@{normalize_domain(domain)}"


def normalize_domain(domain: str) -> str:
    """Return a domain as its ASCII form of IDNA 2008, or in lower case where it has none."""
    lowered = _lower_nfc(domain.strip())
    with suppress(idna.IDNAError):
        return idna.encode(lowered, uts46=True).decode("ascii")
    return lowered


def fold_email(email: str) -> str:
    """Return one key for all addresses that may be one mailbox, to count attempts by.

    Coarser than `normalize_email`: compatibility forms count together, too.
    """
    return normalize_email(unicodedata.normalize("NFKC", email))


def get_client_network(ip: str) -> IPv4Network | IPv6Network:
    """Return an IPv4 address as a network of one, and for IPv6 the /64 a client may choose from."""
    address = ip_address(ip)
    bits = IPV6_PREFIX_BITS if address.version == 6 else address.max_prefixlen
    return ip_network((address, bits), strict=False)


def _lower_nfc(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
