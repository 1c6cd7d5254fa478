"""The plans we sell.

`sync_catalog` writes them to the database and to the provider.

Staff may edit the rows afterwards; the command changes only what is written here.
"""

from dataclasses import dataclass, field
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A capability a plan may contain."""

    key: str
    name: str
    description: str
    requires_premium: bool = True


@dataclass(frozen=True, slots=True)
class PriceSpec:
    """An amount in minor units per seat.

    Without an addition policy the plan's decides when an added seat is paid.
    """

    lookup_key: str
    amount: int
    interval: Literal["month", "year"]
    currency: str = "usd"
    addition_policy: Literal["", "next_invoice", "invoice_now"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSpec:
    """A plan with its seat rules, prices, and features with their limits."""

    key: str
    name: str
    description: str
    billable_roles: tuple[str, ...] = ("admin", "member")
    minimum_seats: int = 1
    maximum_seats: int | None = None
    trial_days: int = 0
    is_default: bool = False
    prices: tuple[PriceSpec, ...] = ()
    features: dict[str, int | None] = field(default_factory=dict)


FEATURES: Final = (
    FeatureSpec("audit_history", "Full audit trail", "Events older than thirty days."),
    FeatureSpec(
        "pending_invitations",
        "Pending invitations",
        "Invitations that are open at the same time.",
        requires_premium=False,
    ),
)

PLANS: Final = (
    PlanSpec(
        key="team",
        name="Team",
        description="For one team. Admins and members are paid for, viewers are free.",
        prices=(
            PriceSpec("team_monthly", 1_200, "month"),
            PriceSpec("team_yearly", 12_000, "year"),
        ),
        features={"audit_history": None},
    ),
    PlanSpec(
        key="business",
        name="Business",
        description="For companies. At least three seats.",
        minimum_seats=3,
        prices=(
            PriceSpec("business_monthly", 2_400, "month"),
            PriceSpec("business_yearly", 24_000, "year"),
        ),
        features={"audit_history": None},
    ),
    PlanSpec(
        key="free",
        name="Free",
        description="To look around. No seat is paid for.",
        features={"pending_invitations": 100},
        is_default=True,
    ),
)
