"""How the OpenAPI document names and describes what this app serves. Plain values only."""

TAGS = {
    "plans": "What is sold.",
    "checkout": "Buy a plan on the payment provider's page.",
    "subscription": "The organization's subscription to a plan.",
    "portal": "The payment provider's pages for payment methods and invoices.",
    "seats": "The members who are paid for: counted here, billed by the payment provider.",
    "invoices": "What was charged.",
    "billing_profile": "Who pays, as invoices print it.",
    "features": "What the organization may use, and why.",
}
ENUM_NAMES = {
    "AccountStatus": "billing.statuses.AccountStatus",
    "FeatureReason": "billing.entitlements.entitlements.Reason",
    "InvoiceStatus": "billing.models.invoices.Invoice.Status",
    "PriceInterval": "billing.models.plans.Price.Interval",
    "Proration": "billing.seat_rules.Proration",
    "PreviewKind": "billing.providers.types.PreviewKind",
    "SeatAttemptState": "billing.models.seats.SeatAttempt.State",
    "SeatChangeReason": "billing.models.seats.SeatChange.Reason",
    "SeatState": "billing.seat_rules.State",
    "SubscriptionAccess": "billing.statuses.Access",
    "VatStatus": "billing.models.customers.Customer.VatStatus",
}
