"""Explain what differs of the customer and its subscriptions."""

from collections.abc import Iterator

from billing.inspection.diagnosis import Diagnosis, Remedy
from billing.inspection.facts import BillingFacts
from billing.providers.types import SubscriptionSnapshot
from billing.statuses import ENDED_STATUSES


def explain_answer(facts: BillingFacts) -> Iterator[Diagnosis]:
    """Explain that the provider does not answer."""
    if facts.answer.error:
        yield Diagnosis(
            code="provider_unavailable",
            title="The provider was not compared",
            explanation=f"{facts.answer.error} The numbers below are those stored here, and what"
            " they show may have changed since. Open this page again later.",
        )


def explain_customer(facts: BillingFacts) -> Iterator[Diagnosis]:
    """Explain a customer that the provider has deleted or does not know."""
    customer_id, name = facts.customer.external_id, facts.provider_name
    if facts.answer.customer is not None and facts.answer.customer.is_deleted:
        yield Diagnosis(
            code="customer_deleted",
            title=f"The customer was deleted at {name}",
            explanation=f"{name} has deleted {customer_id} and ended its subscriptions. Fetching"
            " stores that and unlinks the customer. An admin of the organization can then buy"
            " again, which creates another customer.",
            remedies=(Remedy.REFRESH,),
        )
    elif facts.answer.is_customer_unknown:
        yield Diagnosis(
            code="customer_unknown",
            title=f"{name} does not know the customer",
            explanation=f"{customer_id} is of another account, or of test data that was wiped."
            " Check the secret key first. If the key is right, fetching unlinks the customer,"
            " as soon as no subscription of it lives here.",
            remedies=(Remedy.REFRESH,),
        )


def explain_subscription(facts: BillingFacts) -> Iterator[Diagnosis]:
    """Explain a live subscription that differs from the provider's."""
    row, found = facts.seats.subscription, facts.live_answer
    if row is None or facts.answer.error:
        return
    name = facts.provider_name
    if found is None:
        remedy = Remedy.END_MISSING if row.missing_since else Remedy.REFRESH
        yield Diagnosis(
            code="subscription_missing",
            title=f"{name} does not know the subscription",
            explanation=f"{row.external_id} lives here and is unknown at {name}: it is of another"
            " account, or was deleted there. Fetching marks it as missing. Once it is marked, end"
            " it here, unless the secret key is the wrong one.",
            remedies=(remedy,),
        )
    elif found.status != row.status:
        yield Diagnosis(
            code="status_differs",
            title=f"The subscription is {found.status} at {name}",
            explanation=f"{row.external_id} is stored as {row.status}, because an event was lost"
            " or is on its way. Fetching stores what the provider has.",
            remedies=(Remedy.REFRESH,),
        )


def explain_other_subscriptions(facts: BillingFacts) -> Iterator[Diagnosis]:
    """Explain subscriptions that are not stored, not ours or surplus."""
    stored = {row.external_id for row in facts.rows}
    for found in facts.answer.subscriptions:
        if found.status in ENDED_STATUSES or found.external_id in stored:
            continue
        is_ours = any(item.price_id in facts.our_price_ids for item in found.items)
        yield _explain_unstored(facts, found) if is_ours else _explain_foreign(facts, found)
    for row in facts.rows:
        if row.is_surplus and not row.has_ended:
            yield Diagnosis(
                code="surplus_subscription",
                title="There is a second live subscription",
                explanation=f"{row.external_id} was created at {facts.provider_name} next to the"
                " one that counts. It gives nothing here and is charged there. Cancel one of the"
                " two there, and fetch.",
                remedies=(Remedy.REFRESH,),
            )


def _explain_unstored(facts: BillingFacts, found: SubscriptionSnapshot) -> Diagnosis:
    return Diagnosis(
        code="subscription_not_stored",
        title="A subscription is not stored here",
        explanation=f"{found.external_id} is {found.status} at {facts.provider_name}, has a price"
        " of our catalog, and its events were lost. Fetching stores it.",
        remedies=(Remedy.REFRESH,),
    )


def _explain_foreign(facts: BillingFacts, found: SubscriptionSnapshot) -> Diagnosis:
    """Explain a subscription without a price of our catalog, which is another product's."""
    sold = ", ".join(item.price_id for item in found.items)
    return Diagnosis(
        code="foreign_subscription",
        title="The customer has a subscription that is not ours",
        explanation=f"{found.external_id} sells {sold}, which is not in the catalog. It gives no"
        " plan, blocks no purchase, and is never changed or cancelled from here. If it is another"
        " product's, leave it. If the organization should have a plan by it, replace its price at"
        f" {facts.provider_name} by one of the catalog (the page Prices has the ids), and fetch.",
        remedies=(Remedy.REFRESH,),
        is_trouble=False,
    )
