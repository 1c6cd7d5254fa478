"""Pending changes.

Recorded in one transaction, sent to Stytch, then applied.

1. the service checks and `open`s an intent, under the organization's lock;
2. `carry_out` asks Stytch, with no transaction open;
3. the answer is applied and the intent closed, under the lock again.

Our own echo, a webhook, may come before step 3: anyone who applies the change first finds the intent
(`attribution.attributed`) and writes its event in the name of the caller who wanted it.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from identity import directories
from identity.directories.types import OrganizationDeleted, Snapshot
from identity.errors import ChangeInProgress, translate_refusal
from identity.models import Intent, IntentKind, IntentState
from identity.sync import apply
from identity.sync.apply import Applied
from identity.sync.attribution import close_change
from kit import actor as callers
from kit.errors import NotFound, Problem, TooManyRequests
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy.models import Organization

log = structlog.get_logger(__name__)

CHANGE_LEASE = timedelta(seconds=30)  # two calls at their time limits, with room
MAX_RESOLVED_PER_RUN = 100

RecordExtra = Callable[[Organization, Applied], None]


def open_change(
    *,
    organization: Organization,
    kind: IntentKind,
    subject: str,
    also: str = "",
    role: str = "",
    role_before: str = "",
    details: dict[str, object] | None = None,
    lease: timedelta = CHANGE_LEASE,
) -> Intent:
    """Record what the actor wants, as step one, under the organization's lock.

    `also` is the subject's other name: an invitation is an address, and a member at Stytch. Raises
    ChangeInProgress while another change of the same is on its way.
    """
    if Intent.objects.of(organization).open().filter(subject__in=[subject, also]).exists():
        raise ChangeInProgress("Try again in a moment.")
    return Intent.objects.create(
        organization=organization,
        kind=kind,
        subject=subject,
        caller=callers.get_actor().as_arguments(),
        role=role,
        role_before=role_before,
        details=details or {},
        expires_at=timezone.now() + lease,
    )


def execute_change(
    intent: Intent,
    ask: Callable[[], Snapshot],
    *,
    record: RecordExtra | None = None,
    will_retry: bool = False,
) -> Applied:
    """Send the change and apply the answer, as steps two and three.

    `record` stores what the snapshot alone does not show.

    Raises the Problem of a refusal. When no one can tell whether the change happened, it is looked
    up; if Stytch does not even answer that, VendorUnavailable, and the sweeper settles it later.
    A job that `will_retry` keeps the intent open while Stytch is away or asks us to slow down.
    """
    try:
        snapshot = ask()
    except VendorRejected as error:
        close_change(intent, IntentState.REFUSED)
        raise translate_refusal(error) from None
    except VendorNotFound:
        return _resolve_or_raise(intent, NotFound())
    except VendorUnavailable as error:
        if not error.outcome_known:
            return _resolve_or_raise(intent, error, will_retry=will_retry)
        _close_unless_retried(intent, unless=will_retry)
        raise
    except Problem:  # asked to slow down
        _close_unless_retried(intent, unless=will_retry)
        raise
    return _apply_answer(intent, snapshot, otherwise=IntentState.DONE, record=record)


def resolve_change(intent: Intent, *, will_retry: bool = False) -> Applied:
    """Find out what became of an intent, and write it down. Raises VendorUnavailable.

    One that never reached Stytch lapses, unless a job will ask again.
    """
    snapshot = _fetch_target(intent)
    if snapshot is None:
        if not will_retry:
            close_change(intent, IntentState.LAPSED)
        return Applied()
    return _apply_answer(intent, snapshot, otherwise=IntentState.LAPSED)


def resolve_stale_changes() -> int:
    """Resolve the changes whose process died or whose answer never came, and return how many.

    In any order: one that Stytch cannot answer for must never keep all others waiting.
    """
    settled = 0
    for intent in Intent.objects.orphaned().order_by("?")[:MAX_RESOLVED_PER_RUN]:
        try:
            resolve_change(intent)
        except (VendorUnavailable, TooManyRequests):
            log.warning("intent_still_unknown", intent_id=str(intent.pk), kind=intent.kind)
            break
        except (VendorRejected, VendorNotFound) as error:
            log.error("intent_unanswerable", intent_id=str(intent.pk), code=error.code)  # noqa: TRY400 - the code says it
            continue
        settled += 1
        log.info("intent_settled", intent_id=str(intent.pk), kind=intent.kind, state=intent.state)
    return settled


def _resolve_or_raise(intent: Intent, problem: Problem, *, will_retry: bool = False) -> Applied:
    applied = resolve_change(intent, will_retry=will_retry)
    if intent.state != IntentState.DONE:
        raise problem
    return applied


def _close_unless_retried(intent: Intent, *, unless: bool) -> None:
    if not unless:
        close_change(intent, IntentState.REFUSED)


def _fetch_target(intent: Intent) -> Snapshot | None:
    stytch = directories.get_directory()
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


def _apply_answer(
    intent: Intent, snapshot: Snapshot, *, otherwise: IntentState, record: RecordExtra | None = None
) -> Applied:
    """Apply the answer.

    A change that no transition completed ends in `otherwise`.
    """
    with transaction.atomic():
        organization = apply.lock(intent.organization_id, snapshot)
        applied = apply.apply(snapshot)
        if record is not None:
            record(organization, applied)
        intent.refresh_from_db(fields=["state"])
        if intent.state == IntentState.OPEN:
            close_change(intent, otherwise)
    return applied
