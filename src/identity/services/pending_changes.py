"""Changes on their way to Stytch: intended in one transaction, asked for, then written down.

1. the service checks and `open`s an intent, under the organization's lock;
2. `carry_out` asks Stytch, with no transaction open;
3. the answer is applied and the intent closed, under the lock again.

Our own echo, a webhook, may come before step 3: whoever applies the change first finds the intent
(`attribution.attributed`) and writes its event in the name of the caller who wanted it.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from identity import directories
from identity.directories.types import OrganizationDeleted, Snapshot
from identity.errors import ChangeInProgress, refusal
from identity.models import Intent, IntentKind, IntentState
from identity.sync import apply
from identity.sync.apply import Applied
from identity.sync.attribution import close
from kit import actor as callers
from kit.errors import NotFound, Problem, TooManyRequests
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy.models import Organization

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)  # two calls at their time limits, with room
SWEPT_AT_ONCE = 100

Record = Callable[[Organization, Applied], None]


def open(  # noqa: A001 - reads intents.open(...)
    *,
    organization: Organization,
    kind: IntentKind,
    subject: str,
    also: str = "",
    role: str = "",
    role_before: str = "",
    details: dict[str, object] | None = None,
    lease: timedelta = LEASE,
) -> Intent:
    """Step one: write down what the current caller wants. Under the organization's lock.

    `also` is the subject's other name: an invitation is an address, and a member at Stytch. Raises
    ChangeInProgress while another change of the same is on its way.
    """
    if Intent.objects.of(organization).open().filter(subject__in=[subject, also]).exists():
        raise ChangeInProgress("Try again in a moment.")
    return Intent.objects.create(
        organization=organization,
        kind=kind,
        subject=subject,
        caller=callers.current().as_arguments(),
        role=role,
        role_before=role_before,
        details=details or {},
        expires_at=timezone.now() + lease,
    )


def carry_out(
    intent: Intent,
    ask: Callable[[], Snapshot],
    *,
    record: Record | None = None,
    will_retry: bool = False,
) -> Applied:
    """Steps two and three; `record` writes what the snapshot alone does not show.

    Raises the Problem of a refusal. When nobody can tell whether the change happened, it is looked
    up; if Stytch does not even answer that, VendorUnavailable, and the sweeper settles it later.
    A job that `will_retry` keeps the intent open while Stytch is away or asks us to slow down.
    """
    try:
        snapshot = ask()
    except VendorRejected as error:
        close(intent, IntentState.REFUSED)
        raise refusal(error) from None
    except VendorNotFound:
        return _look_up(intent, NotFound())
    except VendorUnavailable as error:
        if not error.outcome_known:
            return _look_up(intent, error, will_retry=will_retry)
        _give_up(intent, unless=will_retry)
        raise
    except Problem:  # asked to slow down
        _give_up(intent, unless=will_retry)
        raise
    return _finish(intent, snapshot, otherwise=IntentState.DONE, record=record)


def settle(intent: Intent, *, will_retry: bool = False) -> Applied:
    """Find out what became of an intent, and write it down. Raises VendorUnavailable.

    One that never reached Stytch lapses, unless a job will ask again.
    """
    snapshot = _fetch(intent)
    if snapshot is None:
        if not will_retry:
            close(intent, IntentState.LAPSED)
        return Applied()
    return _finish(intent, snapshot, otherwise=IntentState.LAPSED)


def sweep() -> int:
    """Settle the intents nobody is working on any more; how many were.

    In any order: one that Stytch cannot answer for must never keep all others waiting.
    """
    settled = 0
    for intent in Intent.objects.orphaned().order_by("?")[:SWEPT_AT_ONCE]:
        try:
            settle(intent)
        except (VendorUnavailable, TooManyRequests):
            log.warning("intent_still_unknown", intent_id=str(intent.pk), kind=intent.kind)
            break
        except (VendorRejected, VendorNotFound) as error:
            log.error("intent_unanswerable", intent_id=str(intent.pk), code=error.code)  # noqa: TRY400 - the code says it
            continue
        settled += 1
        log.info("intent_settled", intent_id=str(intent.pk), kind=intent.kind, state=intent.state)
    return settled


def _look_up(intent: Intent, problem: Problem, *, will_retry: bool = False) -> Applied:
    applied = settle(intent, will_retry=will_retry)
    if intent.state != IntentState.DONE:
        raise problem
    return applied


def _give_up(intent: Intent, *, unless: bool) -> None:
    if not unless:
        close(intent, IntentState.REFUSED)


def _fetch(intent: Intent) -> Snapshot | None:
    stytch = directories.current()
    stytch_org_id = intent.organization.stytch_org_id or ""
    kind, _, key = intent.subject.partition(":")
    match kind:
        case "organization":
            try:
                return stytch.organization(stytch_org_id=stytch_org_id)
            except VendorNotFound:
                return OrganizationDeleted(stytch_org_id=stytch_org_id)
        case "address":
            return stytch.find_member(stytch_org_id=stytch_org_id, email=key)
        case _:
            return stytch.member(stytch_member_id=key)


def _finish(
    intent: Intent, snapshot: Snapshot, *, otherwise: IntentState, record: Record | None = None
) -> Applied:
    """Apply the answer; an intent that no transition fulfilled ends `otherwise`."""
    with transaction.atomic():
        organization = apply.lock(intent.organization_id, snapshot)
        applied = apply.apply(snapshot)
        if record is not None:
            record(organization, applied)
        intent.refresh_from_db(fields=["state"])
        if intent.state == IntentState.OPEN:
            close(intent, otherwise)
    return applied
