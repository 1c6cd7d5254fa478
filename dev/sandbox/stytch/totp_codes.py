"""Compute time-based one-time passwords as authenticator apps do (RFC 6238)."""

import base64
import hashlib
import hmac
import io
import secrets
from datetime import datetime
from urllib.parse import quote

import segno

STEP_SECONDS = 30
DIGITS = 6
TOLERATED_STEPS = (0, -1, 1)  # the steps before and after, for clocks that differ


def create_secret() -> str:
    """Create a secret in the base32 spelling that people can type into an app."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def compute_code(secret: str, step: int) -> str:
    """Compute the code of one step of thirty seconds."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def compute_current_code(secret: str, now: datetime) -> str:
    """Compute the code that an app shows at a time."""
    return compute_code(secret, int(now.timestamp()) // STEP_SECONDS)


def find_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the step around `now` that a code belongs to, or None for a wrong code."""
    current = int(now.timestamp()) // STEP_SECONDS
    for tolerated in TOLERATED_STEPS:
        expected = compute_code(secret, current + tolerated)
        if hmac.compare_digest(expected.encode(), code.encode()):
            return current + tolerated
    return None


def draw_qr_code(secret: str, *, issuer: str, account: str) -> str:
    """Draw the code that an authenticator app scans, as a PNG in a data URL."""
    label = quote(f"{issuer}:{account}")
    url = f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}"
    image = io.BytesIO()
    segno.make(url, error="m").save(image, kind="png", scale=5)
    return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode()}"
