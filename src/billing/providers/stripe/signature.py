"""Stripe's signature: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, over `{t}.{body}`."""

import hashlib
import hmac


def signed_at(body: bytes, header: str, secret: str) -> int | None:
    """When the body was signed with `secret`, in seconds; None when it was not.

    Several `v1` are there while a secret is being rotated; one that fits is enough.
    """
    parts = [part.partition("=") for part in header.split(",")]
    moments = [value for name, _, value in parts if name == "t"]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdigit()) or not secret:
        return None
    payload = moments[0].encode() + b"." + body
    wanted = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest().encode()
    given = [value.encode() for name, _, value in parts if name == "v1"]
    matches = [hmac.compare_digest(wanted, value) for value in given]
    return int(moments[0][:16]) if any(matches) else None
