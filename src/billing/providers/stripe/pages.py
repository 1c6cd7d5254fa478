"""Pages of an account's customers, invoices and subscriptions."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, cast

import stripe
from stripe import params

from billing.providers.stripe import parse
from billing.providers.stripe.errors import translate_errors
from billing.providers.types import ObjectKind, Page, Snapshot

PAGE_SIZE: Final = 100


def fetch_page(
    client: stripe.StripeClient, kind: ObjectKind, *, after: str, since: datetime | None
) -> Page:
    """Return a hundred customers, invoices, or subscriptions that have not ended."""
    body: dict[str, Any] = {"limit": PAGE_SIZE}
    if after:
        body["starting_after"] = after
    if since is not None:
        body["created"] = {"gte": int(since.timestamp())}
    with translate_errors():
        match kind:
            case ObjectKind.CUSTOMER:
                wanted = cast("params.CustomerListParams", body | {"expand": ["data.tax_ids"]})
                return _build_page(client.v1.customers.list(wanted), parse.parse_customer)
            case ObjectKind.INVOICE:
                found = client.v1.invoices.list(cast("params.InvoiceListParams", body))
                return _build_page(found, parse.parse_invoice)
            case ObjectKind.SUBSCRIPTION:
                listed = client.v1.subscriptions.list(cast("params.SubscriptionListParams", body))
                return _build_page(listed, parse.parse_subscription)
            case _:
                raise ValueError(kind)


def _build_page(found: Any, parse_entry: Callable[[dict[str, Any]], Snapshot]) -> Page:  # noqa: ANN401 - a list of any object
    """Return one page of a list."""
    return Page(
        snapshots=tuple(parse_entry(entry.to_dict()) for entry in found.data),
        next=found.data[-1].id if found.has_more else "",
    )
