"""Explain in sentences what differs, and name the actions that repair it.

Nothing here reads a row or asks the provider: `BillingFacts` holds all that is compared.
"""

from typing import Final

from billing.inspection import payment_diagnoses, seat_diagnoses, subscription_diagnoses
from billing.inspection.diagnosis import Diagnosis, Rule
from billing.inspection.facts import BillingFacts

RULES: Final[tuple[Rule, ...]] = (
    subscription_diagnoses.explain_answer,
    subscription_diagnoses.explain_customer,
    subscription_diagnoses.explain_subscription,
    subscription_diagnoses.explain_other_subscriptions,
    payment_diagnoses.explain_payment,
    payment_diagnoses.explain_paused_collection,
    seat_diagnoses.explain_contract,
    seat_diagnoses.explain_seats,
)


def diagnose(facts: BillingFacts) -> list[Diagnosis]:
    """Return all that applies to an organization, troubles first."""
    found = [diagnosis for rule in RULES for diagnosis in rule(facts)]
    return sorted(found, key=lambda diagnosis: not diagnosis.is_trouble)
