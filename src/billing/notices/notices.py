"""Send a notice by mail, once."""

import uuid
from email.utils import parseaddr
from smtplib import SMTPException
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from billing.models import Notice, NoticeKind
from billing.notices import drafts, recipients, render
from billing.notices.drafts import Draft
from kit import locks
from kit.outbound import VendorUnavailable, guard_call

log = structlog.get_logger(__name__)

VENDOR: Final = "mail"


def send_notice(*, kind: NoticeKind, subject_id: uuid.UUID) -> None:
    """Send a notice that applies now, unless it was sent or notices are off.

    The row is written after the server accepted the mail: when the process dies in between, the
    next run sends it again, under the same Message-ID. Raises VendorUnavailable for a retry.
    """
    if not settings.BILLING_NOTICES:
        return
    draft = drafts.build_draft(kind, subject_id)
    if draft is None:
        log.info("notice_does_not_apply", kind=kind, subject=str(subject_id))
        return
    with locks.hold_object(f"notice:{build_notice_id(draft)}"):
        sent = Notice.objects.filter(organization=draft.organization, kind=kind)
        if not sent.filter(reference=draft.reference).exists():
            _send_and_record(draft)


def build_notice_id(draft: Draft) -> uuid.UUID:
    """Return the id of an occasion, the same at each try."""
    return uuid.uuid5(draft.organization.pk, f"{draft.kind}:{draft.reference}")


def _send_and_record(draft: Draft) -> None:
    to = recipients.list_recipients(draft.organization)
    if not to:
        log.warning("notice_without_recipient", organization_id=str(draft.organization.pk))
        return
    message = _build_message(draft, to)
    try:
        with guard_call(VENDOR):
            message.send()
    except (SMTPException, OSError) as error:
        log.warning("notice_not_sent", kind=draft.kind, error=type(error).__name__)
        # Without its cause, whose text may hold addresses.
        raise VendorUnavailable(VENDOR, outcome_known=False) from None
    Notice.objects.create(
        organization=draft.organization,
        kind=draft.kind,
        reference=draft.reference,
        recipients=len(to),
    )


def _build_message(draft: Draft, to: list[str]) -> EmailMultiAlternatives:
    rendered = render.render_notice(draft)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=rendered.subject,
        body=rendered.text,
        to=to,
        headers={
            "Message-ID": f"<{build_notice_id(draft)}@{domain}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no automatic replies, please
        },
    )
    message.attach_alternative(rendered.html, "text/html")
    return message
