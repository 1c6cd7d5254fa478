"""The claims of Stytch's session tokens, in the shape that its own SDK reads.

https://github.com/stytchauth/stytch-python/blob/main/stytch/shared/jwt_helpers.py
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from identity.directories.types import Claims, Proof, TokenRules
from kit.timestamps import parse_timestamp

SESSION_CLAIM: Final = "https://stytch.com/session"
ORGANIZATION_CLAIM: Final = "https://stytch.com/organization"
# Looser than Stytch's own form, `jwk-test-<uuid>`; a path or a query is none of these.
KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


def build_token_rules() -> TokenRules:
    """Return the rules for the tokens of the configured project."""
    return TokenRules(
        issuer=f"stytch.com/{settings.STYTCH_PROJECT_ID}",
        audience=settings.STYTCH_PROJECT_ID,
        key_id=KEY_ID,
        read_claims=read_claims,
    )


def read_claims(payload: Mapping[str, Any]) -> Claims:
    """Read the claims of a verified token."""
    session = payload[SESSION_CLAIM]
    return Claims(
        stytch_member_id=_require_text(payload["sub"]),
        stytch_org_id=_require_text(payload[ORGANIZATION_CLAIM]["organization_id"]),
        session_id=_require_text(session["id"]),
        session_started_at=parse_timestamp(session["started_at"]),
        session_expires_at=parse_timestamp(session["expires_at"]),
        expires_at=float(payload["exp"]),
        proof=Proof.from_factors(session.get("authentication_factors") or ()),
    )


def _require_text(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("a claim is no text")
    return value
