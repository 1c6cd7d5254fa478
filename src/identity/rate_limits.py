"""Limit sign-in mail, code checks and invitations per mailbox, client address and organization.

An attempt is counted before the vendor is called, so known and unknown mailboxes are limited alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.utils.crypto import salted_hmac

from kit import actor
from kit.addresses import fold_email, get_client_network
from kit.errors import TooManyRequests

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 15 * 60
DAY_SECONDS = 24 * 60 * 60

# The window starts with the first attempt. A refused attempt is counted and does not extend it.
COUNT_ATTEMPT = """
INSERT INTO identity_attemptcounter AS counter (scope, digest, attempts, expires_at)
VALUES (%(scope)s, %(digest)s, 1, statement_timestamp() + make_interval(secs => %(window)s))
ON CONFLICT (scope, digest) DO UPDATE SET
    attempts = CASE WHEN counter.expires_at > statement_timestamp()
        THEN counter.attempts + 1 ELSE 1 END,
    expires_at = CASE WHEN counter.expires_at > statement_timestamp()
        THEN counter.expires_at ELSE excluded.expires_at END
RETURNING attempts, extract(epoch FROM expires_at - statement_timestamp())::float
"""

# Creates missing counters as expired ones, and locks all of them in one order.
LOCK_COUNTERS = """
INSERT INTO identity_attemptcounter AS counter (scope, digest, attempts, expires_at)
SELECT %(scope)s, digest, 0, statement_timestamp()
FROM unnest(%(digests)s::bytea[]) AS digest ORDER BY digest
ON CONFLICT (scope, digest) DO UPDATE SET attempts = counter.attempts
"""


# Leaves locked counters for the next time: waiting for one while others are held could deadlock.
DELETE_EXPIRED = """
DELETE FROM identity_attemptcounter WHERE (scope, digest) IN (
    SELECT scope, digest FROM identity_attemptcounter
    WHERE expires_at < statement_timestamp() FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Name a limit, the setting that holds its number of attempts, and its window."""

    scope: str
    setting: str
    detail: str
    window_seconds: int = WINDOW_SECONDS


MAIL_PER_MAILBOX = RateLimit(
    scope="mail_per_mailbox",
    setting="SIGN_IN_RATE_PER_MAILBOX",
    detail="Too many mails to this address. Use one that has arrived, or wait.",
)
MAIL_PER_CLIENT = RateLimit(
    scope="mail_per_client",
    setting="SIGN_IN_RATE_PER_CLIENT_ADDRESS",
    detail="Too many mails were requested from this network. Wait.",
)
CODE_PER_MAILBOX = RateLimit(
    scope="code_per_mailbox",
    setting="SIGN_IN_RATE_PER_MAILBOX",
    detail="Too many codes were tried for this address. Sign in with a mailed link, or wait.",
)
CODE_PER_CLIENT = RateLimit(
    scope="code_per_client",
    setting="SIGN_IN_RATE_PER_CLIENT_ADDRESS",
    detail="Too many codes were tried from this network. Wait.",
)
INVITATIONS_PER_ORGANIZATION = RateLimit(
    scope="invitations_per_organization",
    setting="INVITATIONS_PER_ORGANIZATION_PER_DAY",
    detail="The organization has sent as many invitations as it may in a day.",
    window_seconds=DAY_SECONDS,
)
INVITATIONS_PER_ADDRESS = RateLimit(
    scope="invitations_per_address",
    setting="INVITATIONS_PER_ADDRESS_PER_DAY",
    detail="This address has got as many invitations as it may in a day.",
    window_seconds=DAY_SECONDS,
)
SECOND_FACTOR_PER_SIGN_IN = RateLimit(
    scope="second_factor_per_sign_in",
    setting="SIGN_IN_RATE_PER_MAILBOX",
    detail="Too many codes were tried for this sign-in. Start it again.",
)
SMS_PER_SIGN_IN = RateLimit(
    scope="sms_per_sign_in",
    setting="SIGN_IN_RATE_PER_MAILBOX",
    detail="Too many messages were requested for this sign-in. Use one that has arrived, or wait.",
)


def count_sign_in_mail(*, email: str) -> None:
    """Count a mail that the caller requests for a mailbox. Raises TooManyRequests."""
    # First the client: what is refused to it must not use up the attempts of other people's mailboxes.
    _count_client(MAIL_PER_CLIENT)
    count_attempt(MAIL_PER_MAILBOX, fold_email(email))


def count_code_check(*, email: str) -> None:
    """Count a check of a mailed code, right or wrong. Raises TooManyRequests."""
    _count_client(CODE_PER_CLIENT)
    count_attempt(CODE_PER_MAILBOX, fold_email(email))


def count_second_factor_check(*, intermediate_session_token: str) -> None:
    """Count a check of a second factor, right or wrong. Raises TooManyRequests.

    Stytch locks the member after wrong codes. A limit per member here would let anyone who knows
    the member's id lock it without a sign-in.
    """
    _count_client(CODE_PER_CLIENT)
    count_attempt(SECOND_FACTOR_PER_SIGN_IN, intermediate_session_token)


def count_sms(*, intermediate_session_token: str) -> None:
    """Count a message that the caller requests to a phone. Raises TooManyRequests."""
    _count_client(MAIL_PER_CLIENT)
    count_attempt(SMS_PER_SIGN_IN, intermediate_session_token)


def count_invitation_mail(*, email: str) -> None:
    """Count an invitation among the mails to a mailbox. Raises TooManyRequests."""
    count_attempt(MAIL_PER_MAILBOX, fold_email(email))


def count_invitation(*, organization_id: UUID, email: str) -> None:
    """Count an invitation of an organization to an address. Raises TooManyRequests.

    In the transaction that reserves the invitation, so that a refused one is not counted.
    """
    count_attempt(INVITATIONS_PER_ORGANIZATION, str(organization_id))
    count_attempt(INVITATIONS_PER_ADDRESS, fold_email(email))


def lock_invitation_counters(emails: Iterable[str]) -> None:
    """Lock the counters of addresses in one order, before a transaction counts several of them.

    Otherwise two organizations that invite the same addresses could wait for each other.
    """
    limit = INVITATIONS_PER_ADDRESS
    digests = {compute_digest(limit, fold_email(email)) for email in emails}
    with connection.cursor() as cursor:
        cursor.execute(LOCK_COUNTERS, {"scope": limit.scope, "digests": list(digests)})


def count_attempt(limit: RateLimit, subject: str) -> None:
    """Count an attempt in one statement, exact across processes. Raises TooManyRequests."""
    values: dict[str, str | bytes | int] = {
        "scope": limit.scope,
        "digest": compute_digest(limit, subject),
        "window": limit.window_seconds,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ATTEMPT, values)
        attempts, seconds_left = cursor.fetchone()
    if attempts > getattr(settings, limit.setting):
        log.warning("rate_limit_reached", scope=limit.scope)
        raise TooManyRequests(limit.detail, retry_after=seconds_left)


def delete_expired() -> None:
    """Delete the counters whose window has ended and that no transaction is using."""
    with connection.cursor() as cursor:
        cursor.execute(DELETE_EXPIRED)


def compute_digest(limit: RateLimit, subject: str) -> bytes:
    """Return the HMAC of a subject under SECRET_KEY, so that the table holds no addresses."""
    return salted_hmac(f"identity.{limit.scope}", subject, algorithm="sha256").digest()


def _count_client(limit: RateLimit) -> None:
    """Count an attempt of the actor's address, unless it is a command."""
    if ip := actor.get_actor().ip:
        count_attempt(limit, str(get_client_network(ip)))
