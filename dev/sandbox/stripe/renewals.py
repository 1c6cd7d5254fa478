"""Run what becomes due over time, such as renewals, trial ends, retries and expiries."""

from heapq import heapify, heappop, heappush

from sandbox.store import Document
from sandbox.stripe import (
    checkout,
    discounts,
    endings,
    final_invoices,
    invoice_collection,
    late_payments,
    lifecycle,
    pauses,
    payment_outcomes,
    periods,
    subscription_documents,
)
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.world import World

TRIAL_NOTICE_SECONDS = 3 * periods.DAY_SECONDS
MAX_STEPS = 5_000  # enough for years of daily renewals


def run_due_billing(world: World) -> None:
    """Run everything that has become due, oldest first."""
    now = world.clock.timestamp()
    ledger = Ledger(world)
    queue = [
        (find_next_due(ledger, subscription), subscription["id"])
        for subscription in ledger.list_objects("subscription")
        if subscription["status"] not in endings.ENDED_STATUSES
    ]
    heapify(queue)
    for _ in range(MAX_STEPS):
        if not queue or queue[0][0] > now:
            break
        at, id_ = heappop(queue)
        ledger = Ledger(world, now=at)
        run_next_step(ledger, ledger.get_object("subscription", id_))
        ledger.commit()
        later = Ledger(world)
        subscription = later.get_object("subscription", id_)
        if subscription["status"] not in endings.ENDED_STATUSES:
            heappush(queue, (find_next_due(later, subscription), id_))
    expire_checkout_sessions(world, now)


def expire_checkout_sessions(world: World, now: int) -> None:
    """Close checkout sessions whose time is over."""
    for session in Ledger(world).list_objects("checkout.session"):
        if session["status"] == "open" and session["expires_at"] <= now:
            ledger = Ledger(world, now=session["expires_at"])
            checkout.close_expired_session(ledger, session)
            ledger.commit()


def find_next_due(ledger: Ledger, subscription: Document) -> int:
    """Return when the next step of a subscription is due."""
    return min(moment for moment, _ in list_due_steps(ledger, subscription))


def run_next_step(ledger: Ledger, subscription: Document) -> None:
    """Run the one step that is due next."""
    _, name = min(list_due_steps(ledger, subscription))
    STEPS[name](ledger, subscription)


NEVER = 2**53


def list_due_steps(ledger: Ledger, subscription: Document) -> list[tuple[int, str]]:
    """Return the due steps, where at the same time an end comes before a renewal."""
    status, plans = subscription["status"], [(NEVER, "nothing")]
    if status == "incomplete":
        return [(subscription["created"] + lifecycle.PAYMENT_WINDOW_SECONDS, "1_give_up")]
    if subscription["cancel_at"]:
        plans.append((subscription["cancel_at"], "1_cancel"))
    if draft := find_scheduled_draft(ledger, subscription):
        plans.append((draft["automatically_finalizes_at"], "2_collect_draft"))
    if update := subscription["pending_update"]:
        plans.append((update["expires_at"], "2_drop_update"))
    if status == "trialing":
        if not ledger.get_private_state(subscription["id"]).get("reminded"):
            # A trial shorter than the notice is reminded of at once.
            reminder = max(
                subscription["created"], subscription["trial_end"] - TRIAL_NOTICE_SECONDS
            )
            plans.append((reminder, "3_remind"))
        plans.append((subscription["trial_end"], "4_convert"))
    elif status in lifecycle.RUNNING_STATUSES:
        plans.append((subscription_documents.get_current_period(subscription)[1], "4_renew"))
    if status == "past_due" and (again := get_retry_time(ledger, subscription)):
        plans.append((again, "3_retry"))
    return plans


def get_retry_time(ledger: Ledger, subscription: Document) -> int | None:
    """Return when the latest finalized invoice is tried again."""
    latest = late_payments.find_latest_finalized(ledger, subscription["id"])
    invoice = ledger.find_object("invoice", latest or "")
    if invoice is None or invoice["status"] != "open":
        return None
    again: int | None = invoice["next_payment_attempt"]
    return again


def expire_incomplete(ledger: Ledger, subscription: Document) -> None:
    """Expire a subscription whose first payment was not made in time."""
    invoice = ledger.find_object("invoice", subscription["latest_invoice"] or "")
    if invoice and invoice["status"] == "open":
        invoice_collection.void_invoice(ledger, invoice)
    endings.end_subscription(
        ledger, subscription, reason="payment_failed", status="incomplete_expired"
    )


def end_at_scheduled_time(ledger: Ledger, subscription: Document) -> None:
    """Bill the pending prorations of a subscription and end it at its scheduled time."""
    subscription = final_invoices.collect_pending_prorations(
        ledger, subscription, reason="subscription_cycle"
    )
    endings.end_subscription(ledger, subscription, reason="cancellation_requested")


def drop_pending_update(ledger: Ledger, subscription: Document) -> None:
    """Drop a pending update whose payment was not made in time."""
    state = ledger.get_private_state(subscription["id"])
    pending = state.get("pending_change") or {}
    invoice = ledger.find_object("invoice", pending.get("invoice", ""))
    if invoice and invoice["status"] == "open":
        invoice_collection.void_invoice(ledger, invoice)
    ledger.save_private_state(subscription["id"], pending_change=None)
    dropped = subscription | {"pending_update": None}
    ledger.save_object(dropped, event="customer.subscription.updated")
    ledger.record_event("customer.subscription.pending_update_expired", dropped)


def announce_trial_end(ledger: Ledger, subscription: Document) -> None:
    """Announce that a trial ends soon."""
    ledger.save_private_state(subscription["id"], reminded=True)
    ledger.record_event("customer.subscription.trial_will_end", subscription)


def convert_trial(ledger: Ledger, subscription: Document) -> None:
    """End a trial by billing, or without a card by its trial settings."""
    policy = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    missing = lifecycle.find_charged_card(ledger, subscription) is None
    by_mail = subscription["collection_method"] == "send_invoice"
    if missing and not by_mail and policy == "cancel":
        endings.end_subscription(ledger, subscription, reason="payment_failed")
        return
    if missing and not by_mail and policy == "pause":
        pauses.pause_subscription_now(
            ledger, subscription, reason="trial_end_without_payment_method"
        )
        return
    renew_period(ledger, subscription | {"status": "active"})


def renew_period(ledger: Ledger, subscription: Document) -> None:
    """Begin the next period and bill it."""
    _, end = subscription_documents.get_current_period(subscription)
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    until = periods.find_next_period_start(end, subscription["billing_cycle_anchor"], recurring)
    renewed = subscription_documents.set_period(subscription, end, until)
    active = discounts.list_active_discounts(ledger, renewed, at=end)
    renewed["discounts"] = [discount["id"] for discount in active]
    lines = lifecycle.build_period_lines(ledger, renewed)
    if not lines:
        ledger.save_object(renewed, event="customer.subscription.updated")
        return
    pause = renewed["pause_collection"]
    if pause and pause["resumes_at"] and pause["resumes_at"] <= ledger.now:
        renewed["pause_collection"] = pause = None
    invoice = invoice_collection.create_scheduled_draft(
        ledger, renewed, lines, reason="subscription_cycle"
    )
    renewed["latest_invoice"] = invoice["id"]
    ledger.save_private_state(renewed["id"], draft_invoice=invoice["id"])
    if pause or renewed["status"] == "unpaid":
        withhold_invoice(ledger, renewed, invoice)
    ledger.save_object(renewed, event="customer.subscription.updated")


def withhold_invoice(ledger: Ledger, subscription: Document, draft: Document) -> None:
    """Leave, void or write off the invoice of a subscription whose collection is paused or over.

    https://docs.stripe.com/billing/subscriptions/pause-payment. That an unpaid subscription's
    invoice is opened and not charged is a belief.
    """
    ledger.save_private_state(subscription["id"], draft_invoice=None)
    behavior = (subscription["pause_collection"] or {}).get("behavior")
    if behavior == "keep_as_draft":
        ledger.save_object(draft | {"auto_advance": False, "automatically_finalizes_at": None})
        return
    days = subscription["days_until_due"]
    invoice = invoice_collection.finalize_invoice(ledger, draft, days=days)
    if behavior == "void":
        invoice_collection.void_invoice(ledger, invoice)
    elif behavior == "mark_uncollectible":
        invoice_collection.mark_uncollectible(ledger, invoice)
    else:
        ledger.save_object(invoice | {"auto_advance": False})


def find_scheduled_draft(ledger: Ledger, subscription: Document) -> Document | None:
    """Return the draft that is finalized next."""
    draft_id = ledger.get_private_state(subscription["id"]).get("draft_invoice")
    draft = ledger.find_object("invoice", draft_id or "")
    return draft if draft and draft["automatically_finalizes_at"] else None


def collect_draft(ledger: Ledger, subscription: Document) -> None:
    """Finalize the draft of a renewal and charge it."""
    draft = find_scheduled_draft(ledger, subscription)
    ledger.save_private_state(subscription["id"], draft_invoice=None)
    if draft is None:
        return
    days = subscription["days_until_due"]
    invoice = invoice_collection.finalize_invoice(ledger, draft, days=days)
    attempt = invoice_collection.collect_invoice(
        ledger, invoice, method=lifecycle.find_charged_card(ledger, subscription)
    )
    if attempt.paid:
        late_payments.apply_late_payment(ledger, attempt.invoice)
    elif subscription["collection_method"] != "send_invoice":
        overdue = subscription | {"status": "past_due"}
        ledger.save_object(overdue, event="customer.subscription.updated")


def retry_payment(ledger: Ledger, subscription: Document) -> None:
    """Try the latest invoice again, and apply the account's policy after the last failure."""
    latest = late_payments.find_latest_finalized(ledger, subscription["id"])
    invoice = ledger.get_object("invoice", latest or "")
    attempt = invoice_collection.collect_invoice(
        ledger, invoice, method=lifecycle.find_charged_card(ledger, subscription)
    )
    if attempt.paid:
        late_payments.apply_late_payment(ledger, attempt.invoice)
        return
    if attempt.invoice["next_payment_attempt"] is not None:
        return
    policy = payment_outcomes.get_account_settings(ledger.world.store)["after_failed_payments"]
    if policy == "cancel":
        endings.end_subscription(ledger, subscription, reason="payment_failed")
    elif policy == "unpaid":
        unpaid = subscription | {"status": "unpaid"}
        ledger.save_object(unpaid, event="customer.subscription.updated")


STEPS = {
    "1_give_up": expire_incomplete,
    "1_cancel": end_at_scheduled_time,
    "2_collect_draft": collect_draft,
    "2_drop_update": drop_pending_update,
    "3_remind": announce_trial_end,
    "3_retry": retry_payment,
    "4_convert": convert_trial,
    "4_renew": renew_period,
}
