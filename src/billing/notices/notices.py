"""Send a notice by mail, once to each recipient."""

import uuid
from email.utils import parseaddr
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.models import Notice, NoticeKind, NoticeMail
from billing.notices import drafts, recipients, render
from billing.notices.drafts import Draft
from billing.notices.render import RenderedNotice
from kit import locks
from kit.outbound import VendorUnavailable, guard_call

log = structlog.get_logger(__name__)

VENDOR: Final = "mail"
# What a server answers about one mail or its recipient, and not about all mail.
REFUSALS: Final = (SMTPRecipientsRefused, SMTPDataError)


def send_notice(*, kind: NoticeKind, subject_id: uuid.UUID) -> None:
    """Send a notice that applies now to those who did not get it, unless notices are off.

    A row per recipient is written after the server accepted that mail. When the process dies in
    between, the next run sends that one mail again, under the same Message-ID, and no other. Raises
    VendorUnavailable for a retry.
    """
    if not settings.BILLING_NOTICES:
        return
    draft = drafts.build_draft(kind, subject_id)
    if draft is None:
        log.info("notice_does_not_apply", kind=kind, subject=str(subject_id))
        return
    with locks.hold_object(f"notice:{build_notice_id(draft)}"):
        _send_to_recipients(draft)


def build_notice_id(draft: Draft) -> uuid.UUID:
    """Return the id of an occasion, the same at each try."""
    return uuid.uuid5(draft.organization.pk, f"{draft.kind}:{draft.reference}")


def build_mail_id(draft: Draft, address: str) -> uuid.UUID:
    """Return the id of the mail of an occasion to one address, the same at each try."""
    return uuid.uuid5(build_notice_id(draft), address.lower())


def _send_to_recipients(draft: Draft) -> None:
    """Mail each recipient that has not got it, and record the notice as sent after the last one.

    A recipient that the server refuses does not keep the others from their mail.
    """
    addresses = recipients.list_draft_recipients(draft)
    if not addresses:
        log.warning("notice_without_recipient", organization_id=str(draft.organization.pk))
        return
    notice = _get_notice(draft)
    if notice.sent_at is not None:
        return
    sent = set(notice.mails.values_list("pk", flat=True))
    rendered = render.render_notice(draft)
    waiting = [one for one in addresses if build_mail_id(draft, one) not in sent]
    refused = [one for one in waiting if not _send_and_record(draft, notice, rendered, one)]
    if refused:
        raise VendorUnavailable(VENDOR)
    Notice.objects.filter(pk=notice.pk).update(sent_at=timezone.now())


def _get_notice(draft: Draft) -> Notice:
    notice, _ = Notice.objects.get_or_create(
        organization=draft.organization, kind=draft.kind, reference=draft.reference
    )
    return notice


def _send_and_record(draft: Draft, notice: Notice, rendered: RenderedNotice, address: str) -> bool:
    """Mail one recipient, and return whether the server accepted the address.

    Raises VendorUnavailable when the server takes no mail at all.
    """
    mail_id = build_mail_id(draft, address)
    message = _build_message(rendered, mail_id, address)
    try:
        with guard_call(VENDOR):
            message.send()
    except (SMTPException, OSError) as error:
        log.warning("notice_not_sent", kind=draft.kind, error=type(error).__name__)
        if isinstance(error, REFUSALS):
            return False
        # Without its cause, whose text may hold addresses.
        raise VendorUnavailable(VENDOR, outcome_known=False) from None
    with transaction.atomic():
        NoticeMail.objects.create(pk=mail_id, notice=notice)
        Notice.objects.filter(pk=notice.pk).update(recipients=F("recipients") + 1)
    return True


def _build_message(
    rendered: RenderedNotice, mail_id: uuid.UUID, address: str
) -> EmailMultiAlternatives:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=rendered.subject,
        body=rendered.text,
        to=[address],
        headers={
            "Message-ID": f"<{mail_id}@{domain}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no automatic replies, please
        },
    )
    message.attach_alternative(rendered.html, "text/html")
    return message
