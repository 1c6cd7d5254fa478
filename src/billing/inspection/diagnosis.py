"""What is explained to staff, and the actions that are offered with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import models

from billing.inspection.facts import BillingFacts


class Remedy(models.TextChoices):
    """The actions of staff that repair what an organization's billing page explains."""

    REFRESH = "refresh", "Fetch from the provider and sync"
    CORRECT_QUANTITY = "correct_quantity", "Send the counted seats"
    ADOPT_MINIMUM = "adopt_minimum", "Adopt as purchased minimum"
    DROP_MINIMUM = "drop_minimum", "Drop the purchased minimum"
    END_MISSING = "end_missing", "End the subscription here"
    VOID_INVOICES = "void_invoices", "Void the open invoices"
    SEND_CONTRACT = "send_contract", "Bill the agreed seats"
    AGREE_BILLED = "agree_billed", "Agree to the billed seats"
    AGREE_COUNTED = "agree_counted", "Agree to the counted seats"
    END_CONTRACT = "end_contract", "End the contract, bill the counted seats"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One thing that staff should know, with the actions that repair it.

    `is_trouble` is False where nothing has to be done.
    """

    code: str
    title: str
    explanation: str
    remedies: tuple[Remedy, ...] = ()
    is_trouble: bool = True


type Rule = Callable[[BillingFacts], Iterator[Diagnosis]]
