"""Create one row for every page of the admin, directly in the tables."""

import json
import secrets

from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import Group
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django import app

from billing import models as billing
from identity import models as identity
from tenancy.services import organizations
from webhooks.inbound.models import InboundEvent

# Values that no page may show.
SECRET = "a-secret-that-no-page-shows"
SECRET_KEY = "5ec2e7" * 6  # of an authenticator app, in hexadecimal as the table has it


class Rows:
    """Hold an organization with one row of every model; `create_more` adds another."""

    def __init__(self, author):
        self.author = author
        self.organization = self.create_more()

    def create_more(self):
        word = secrets.token_hex(4)
        organization = organizations.create_organization(
            stytch_org_id=f"organization-test-{word}", name="Acme", slug=f"acme-{word}"
        )
        _create_people(organization, word)
        _create_billing(organization, word, self.author)
        _create_library_rows(word)
        return organization


def _create_people(organization, word):
    email = f"ada@{word}.example"
    user = identity.User.objects.create(email=email, email_verified=True)
    later = timezone.now()
    member = identity.Member.objects.create(
        organization=organization, user=user, email=email, role="admin", status="active"
    )
    identity.Invitation.objects.create(
        organization=organization, stytch_member_id=word, email=email, role="member",
        invited_by=member, expires_at=later,
    )  # fmt: skip
    identity.PendingChange.objects.create(
        organization=organization, kind="invite", subject=f"address:{email}", expires_at=later,
        actor={"kind": "member", "id": str(member.pk)}, details={"name": "Ada"},
    )  # fmt: skip
    staff = identity.User.objects.create_superuser(email=f"support@{word}.example")
    identity.MissingAdmin.objects.create(organization=organization)
    identity.SupportAccess.objects.create(
        organization=organization, staff=staff, reason="Ticket 1", expires_at=later
    )
    identity.RevokedSession.objects.create(session_id=word, expires_at=later)


def _create_billing(organization, word, author):
    now = timezone.now()
    billing.Customer.objects.create(organization=organization, external_id=f"cus_{word}")
    plan = billing.Plan.objects.create(key=word, name="Team")
    price = billing.Price.objects.create(
        plan=plan, lookup_key=word, amount=1200, currency="usd", interval="month"
    )
    feature = billing.Feature.objects.create(key=word, name="Single sign-on")
    billing.FeatureOverride.objects.create(
        organization=organization, feature=feature, reason="a promise", created_by=author
    )
    subscription = billing.Subscription.objects.create(
        organization=organization, external_id=f"sub_{word}", price=price, status="active",
        started_at=now, pulled_at=now,
    )  # fmt: skip
    billing.Invoice.objects.create(
        organization=organization, subscription=subscription, external_id=f"in_{word}",
        status="open", total=2400, currency="usd", issued_at=now,
        hosted_url=f"https://pay.example/{SECRET}", pdf_url=f"https://pay.example/{SECRET}/pdf",
    )  # fmt: skip
    billing.Notice.objects.create(
        organization=organization, kind="payment_failed", reference=word, recipients=2
    )
    billing.SeatState.objects.get_or_create(organization=organization)
    billing.SeatChange.objects.create(
        organization=organization, revision=99, reason="member_added", actor_kind="system",
        counted_before=0, counted_after=1, target=1,
    )  # fmt: skip
    billing.SeatAttempt.objects.create(
        organization=organization, subscription=subscription, revision=99, quantity=1,
        proration="next_invoice", lease_until=now,
    )  # fmt: skip


def _create_library_rows(word):
    body = {
        "data": {"object": {"id": "in_1", "client_secret": SECRET, "hosted_invoice_url": SECRET}}
    }
    InboundEvent.objects.create(
        source="stripe", external_id=f"evt_{word}", type="invoice.paid", livemode=False,
        occurred_at=timezone.now(), payload=json.dumps(body),
    )  # fmt: skip
    app.configure_task("billing.sync_seats", allow_unknown=True).defer(organization_id=word)
    Group.objects.create(name=word)
    signed_in = {"username": word, "ip_address": "192.0.2.1", "user_agent": "a browser"}
    AccessLog.objects.create(**signed_in)
    staff = identity.User.objects.create_superuser(email=f"staff@{word}.example")
    TOTPDevice.objects.create(user=staff, key=SECRET_KEY)
    AccessAttempt.objects.create(
        **signed_in, failures_since_start=2, get_data="", post_data=f"csrfmiddlewaretoken={SECRET}"
    )
