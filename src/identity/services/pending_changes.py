"""Record a change in one transaction, send it to Stytch, then apply the answer.

1. the service checks and calls `open_change`, under the organization's lock;
2. `execute_change` calls Stytch, with no transaction open;
3. the answer is applied and the pending change closed, under the lock again.

The webhook of our own change may come before step 3. The first to apply the change finds the pending
change (`attribution.attribute_change`) and records the event with the actor who asked for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial, wraps

import structlog
from django.db import transaction
from django.utils import timezone

from identity import directories
from identity.directories.types import OrganizationDeleted, Snapshot
from identity.errors import ChangeInProgress, DirectoryRefused, translate_refusal
from identity.models import ChangeKind, ChangeState, PendingChange
from identity.sync import apply
from identity.sync.apply import Applied
from identity.sync.attribution import close_change
from kit import actor as actors
from kit.errors import NotFound, Problem, TooManyRequests
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy.models import Organization

log = structlog.get_logger(__name__)

CHANGE_LEASE = timedelta(seconds=20)  # three calls at their time limits, with room
MAX_RESOLVED_PER_RUN = 100

RecordExtra = Callable[[Organization, Applied], None]


def open_change(  # noqa: PLR0913 - the fields of a pending change
    *,
    organization: Organization,
    kind: ChangeKind,
    subject: str,
    also: str = "",
    role: str = "",
    role_before: str = "",
    details: dict[str, object] | None = None,
    lease: timedelta = CHANGE_LEASE,
    check: Callable[[], None] | None = None,
) -> PendingChange:
    """Record what the actor wants, as step one, under the organization's lock.

    `also` is the subject's other name: an invitation is an address, and a member at Stytch. `check`
    refuses what the organization's other pending changes leave no room for; it is called only when
    no change of the same subject is open. Raises ChangeInProgress while one is.
    """
    wanted = PendingChange(
        organization=organization,
        kind=kind,
        subject=subject,
        actor=actors.get_actor().as_arguments(),
        role=role,
        role_before=role_before,
        details=details or {},
        expires_at=timezone.now() + lease,
    )
    changes = PendingChange.objects.in_organization(organization).open()
    blocking = changes.filter(subject__in=[subject, also]).first()
    if blocking is not None:
        is_repeated = _is_repeated(blocking, wanted)
        raise ChangeInProgress(blocked_by=blocking.pk, is_repeated=is_repeated)
    if check is not None:
        check()
    wanted.save()
    return wanted


def resolves_abandoned[**P, Result](
    service: Callable[P, Result], resume: Callable[[Applied], Result | None] | None = None
) -> Callable[P, Result]:
    """Return a service that resolves an abandoned change in its way and starts again.

    A change is abandoned when its process died, or ended without knowing the outcome. It is looked
    up at Stytch, with no transaction open. The service raises VendorUnavailable while Stytch does
    not answer, and ChangeInProgress while the other change is still being executed.
    """

    @wraps(service)
    def call(*args: P.args, **kwargs: P.kwargs) -> Result:
        try:
            return service(*args, **kwargs)
        except ChangeInProgress as problem:
            applied = _resolve_abandoned(problem)
        resumed = resume(applied) if resume and applied else None
        return service(*args, **kwargs) if resumed is None else resumed

    return call


def resumes_abandoned[**P, Result](
    resume: Callable[[Applied], Result | None],
) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
    """Return a decorator like `resolves_abandoned`, for a service that cannot be called twice.

    If the abandoned change was the same wish of the same actor and was carried out, `resume` returns
    the result.
    """
    return partial(resolves_abandoned, resume=resume)


def execute_change(
    change: PendingChange,
    ask: Callable[[], Snapshot],
    *,
    record: RecordExtra | None = None,
    will_retry: bool = False,
) -> Applied:
    """Send the change and apply the answer, as steps two and three.

    `record` stores what the snapshot alone does not show.

    Raises the Problem of a refusal. When no one can tell whether the change happened, it is looked
    up; if Stytch does not even answer that, VendorUnavailable, and the sweeper settles it later.
    A job that `will_retry` keeps the pending change open while Stytch is away or asks us to slow down.
    """
    try:
        snapshot = ask()
    except VendorRejected as error:
        close_change(change, ChangeState.REFUSED)
        raise translate_refusal(error) from None
    except VendorNotFound:
        return _resolve_or_raise(change, NotFound())
    except VendorUnavailable as error:
        if not error.outcome_known:
            return _resolve_or_raise(change, error, will_retry=will_retry)
        _close_unless_retried(change, unless=will_retry)
        raise
    except Problem:  # asked to slow down
        _close_unless_retried(change, unless=will_retry)
        raise
    return _apply_answer(change, snapshot, otherwise=ChangeState.DONE, record=record)


def resolve_change(change: PendingChange, *, will_retry: bool = False) -> Applied:
    """Find out what became of a pending change, and write it down. Raises VendorUnavailable.

    One that never reached Stytch lapses, unless a job will ask again.
    """
    snapshot = _fetch_target(change)
    if snapshot is None:
        if not will_retry:
            close_change(change, ChangeState.LAPSED)
        return Applied()
    return _apply_answer(change, snapshot, otherwise=ChangeState.LAPSED)


def resolve_stale_changes() -> int:
    """Resolve the changes whose process died or whose answer never came, and return how many.

    In any order: one that Stytch cannot answer for must never keep all others waiting.
    """
    settled = 0
    for change in PendingChange.objects.stale().order_by("?")[:MAX_RESOLVED_PER_RUN]:
        try:
            resolve_change(change)
        except (VendorUnavailable, TooManyRequests):
            log.warning("pending_change_still_unknown", change_id=str(change.pk), kind=change.kind)
            break
        except (VendorRejected, VendorNotFound) as error:
            log.error("pending_change_unanswerable", change_id=str(change.pk), code=error.code)  # noqa: TRY400 - the code says it
            continue
        settled += 1
        log.info(
            "pending_change_settled", change_id=str(change.pk), kind=change.kind, state=change.state
        )
    return settled


def _is_repeated(blocking: PendingChange, wanted: PendingChange) -> bool:
    """Return whether two changes are the same wish of the same actor."""

    def read_wish(change: PendingChange) -> list[object]:
        actor = [change.actor.get("kind"), change.actor.get("id")]
        return [change.kind, change.subject, change.role, change.details, actor]

    return read_wish(blocking) == read_wish(wanted)


def _resolve_abandoned(problem: ChangeInProgress) -> Applied | None:
    """Resolve the change that was in the way, and return what it did if it was the same wish.

    Raises the problem itself while that change is still being executed.
    """
    stale = PendingChange.objects.stale().select_related("organization")
    change = stale.filter(pk=problem.blocked_by).first() if problem.blocked_by else None
    if change is None:
        raise problem
    with _translate_lookup():
        applied = resolve_change(change)
    return applied if problem.is_repeated and change.state == ChangeState.DONE else None


def _resolve_or_raise(
    change: PendingChange, problem: Problem, *, will_retry: bool = False
) -> Applied:
    try:
        with _translate_lookup():
            applied = resolve_change(change, will_retry=will_retry)
    except (VendorUnavailable, DirectoryRefused):
        if not will_retry:
            _abandon_change(change)
        raise
    if change.state != ChangeState.DONE:
        raise problem
    return applied


@contextmanager
def _translate_lookup() -> Iterator[None]:
    """Translate a refusal of Stytch to say what became of a change, which stays open."""
    try:
        yield
    except VendorRejected as error:
        raise DirectoryRefused(vendor_code=error.code) from None


def _abandon_change(change: PendingChange) -> None:
    """End the lease of a change whose outcome is unknown, so that the next call looks it up."""
    PendingChange.objects.open().filter(pk=change.pk).update(expires_at=timezone.now())


def _close_unless_retried(change: PendingChange, *, unless: bool) -> None:
    if not unless:
        close_change(change, ChangeState.REFUSED)


def _fetch_target(change: PendingChange) -> Snapshot | None:
    stytch = directories.get_directory()
    stytch_org_id = change.organization.stytch_org_id or ""
    kind, _, key = change.subject.partition(":")
    match kind:
        case "organization":
            try:
                return stytch.fetch_organization(stytch_org_id=stytch_org_id)
            except VendorNotFound:
                return OrganizationDeleted(stytch_org_id=stytch_org_id)
        case "address":
            email = change.details.get("email", key)  # as it was sent to Stytch
            return stytch.find_member(stytch_org_id=stytch_org_id, email=email)
        case _:
            return stytch.fetch_member(stytch_member_id=key)


def _apply_answer(
    change: PendingChange,
    snapshot: Snapshot,
    *,
    otherwise: ChangeState,
    record: RecordExtra | None = None,
) -> Applied:
    """Apply the answer.

    A change that no transition completed ends in `otherwise`.
    """
    with transaction.atomic():
        organization = apply.lock_organizations_of(change.organization_id, snapshot)
        applied = apply.apply_snapshot(snapshot)
        if record is not None:
            record(organization, applied)
        change.refresh_from_db(fields=["state"])
        if change.state == ChangeState.OPEN:
            close_change(change, otherwise)
    return applied
