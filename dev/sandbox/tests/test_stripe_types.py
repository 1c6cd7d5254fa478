"""Answers and events compile against the types of Stripe's own package, strictly.

JSON Schemas made from the Python SDK call a field optional that may be null or missing. The package
`stripe` of npm says of each field whether it must be there and whether it may be null.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest
import stripe

from sandbox.stripe.protocol.schemas import API_VERSION
from sandbox.tests.shop import Shop, stripe_client
from sandbox.tests.support import Control

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache"  # below the folder with the package, so that the compiler finds it
PACKAGE = ROOT / "node_modules" / "stripe"
# Where the name of the type is not the name of the object in camel case.
TYPES = {
    "checkout.session": "Checkout.Session",
    "billing_portal.session": "BillingPortal.Session",
    "billing_portal.configuration": "BillingPortal.Configuration",
    "invoiceitem": "InvoiceItem",
    "item": "LineItem",
    "line_item": "InvoiceLineItem",
}
CONFIG = {
    "compilerOptions": {
        "strict": True,
        "exactOptionalPropertyTypes": True,
        "noEmit": True,
        "target": "es2022",
        "lib": ["es2022", "dom"],
        "types": [],
        "module": "esnext",
        "moduleResolution": "bundler",
        "skipLibCheck": True,
    },
    "files": ["answers.ts"],
}


class RecordingClient(stripe.RequestsClient):
    """HTTP client of the SDK that keeps the bodies of successful answers."""

    def __init__(self):
        super().__init__(timeout=(3.05, 20))
        self.answers = []

    def request(self, method, url, headers, post_data=None):
        content, status, answer_headers = super().request(method, url, headers, post_data)
        if status == 200:
            self.answers.append(json.loads(content))
        return content, status, answer_headers


@pytest.fixture(scope="module")
def recorded(served, receiver):
    """Answers and events of a life at Stripe, from the first price to the deleted customer."""
    client = RecordingClient()
    control = Control(served.url)
    control.post("/reset")
    receiver.clear()
    live_through(Shop(stripe_client(served, http_client=client), control, receiver))
    control.post("/webhooks/drain")
    control.close()
    return [*client.answers, *receiver.events()]


def live_through(shop):
    """Call what the product calls, and more, in the states in which answers differ."""
    subscription = sell(shop)
    change(shop, subscription)
    collect(shop, subscription)
    tax_and_credit(shop)
    read_lists(shop, subscription)
    end(shop, subscription)


def sell(shop):
    """Pay a checkout, and leave others open, expired and on trial."""
    shop.checkout()
    expired = shop.checkout(customer_email="ada@acme.test")
    shop.api.checkout.sessions.expire(expired.id)
    shop.subscribed(subscription_data={"trial_period_days": 14})
    session = shop.checkout(
        customer=shop.customer(address={"country": "DE"}, metadata={"organization_id": "1"}).id,
        automatic_tax={"enabled": True},
        customer_update={"name": "auto", "address": "auto"},
        tax_id_collection={"enabled": True},
        allow_promotion_codes=True,
        metadata={"organization_id": "1"},
    )
    shop.control.post("/stripe/promotion_codes", code="LESS", percent_off=10, duration="forever")
    paid = shop.control.post(f"/checkout/{session.id}/pay", country="DE", promotion_code="less")
    expand = {
        "expand": [
            "line_items",
            "customer",
            "subscription.latest_invoice",
            "subscription.discounts",
        ]
    }
    shop.api.checkout.sessions.retrieve(session.id, expand)
    return shop.api.subscriptions.retrieve(paid["subscription"])


def change(shop, subscription):
    """Change seats, prices and ends, now and later."""
    customer = subscription.customer
    shop.api.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE123456789"})
    shop.api.customers.update(customer, {"name": "Acme GmbH", "preferred_locales": ["de"]})
    items = [{"id": subscription.items.data[0].id, "quantity": 9}]
    details = {"items": items, "proration_behavior": "always_invoice"}
    asked = {"subscription": subscription.id, "subscription_details": details}
    shop.api.invoices.create_preview(asked)
    shop.api.invoices.create_preview({"subscription": subscription.id})
    shop.seats(subscription, 8)
    shop.seats(subscription, 6, proration_behavior="always_invoice")
    shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    shop.api.subscriptions.update(subscription.id, {"pause_collection": {"behavior": "void"}})
    shop.api.subscriptions.update(subscription.id, {"pause_collection": ""})
    shop.payments_end(customer, "decline", times=1)
    terms = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}
    shop.seats(subscription, 12, **terms)
    shop.again(subscription)


def collect(shop, subscription):
    """Renew with a draft, fail, retry, void, pause and resume."""
    customer = subscription.customer
    shop.control.advance(hours=24)
    shop.payments_end(customer, "authenticate", times=1)
    shop.control.advance(days=31)
    owed = next(i for i in shop.invoices(subscription) if i.status in ("open", "draft"))
    shop.api.invoices.pay(owed.id, {"paid_out_of_band": True})
    shop.payments_end(customer, "decline", times=1)
    shop.seats(subscription, 7, proration_behavior="always_invoice")
    shop.api.invoices.void_invoice(shop.again(subscription).latest_invoice)
    shop.dashboard(subscription, status="active")
    shop.api.subscriptions.pause(subscription.id)
    shop.api.subscriptions.resume(subscription.id)
    shop.api.subscription_items.retrieve(subscription.items.data[0].id)


def tax_and_credit(shop):
    """Tax a subscription by two rates, and give back what was paid for it in three ways."""
    rate = {"display_name": "VAT", "percentage": 19, "country": "DE", "tax_type": "vat"}
    rates = [shop.api.tax_rates.create(rate | {"inclusive": kind}).id for kind in (False, True)]
    taxed = shop.api.subscriptions.create(
        {
            "customer": shop.with_card().id,
            "items": [{"price": shop.monthly.id, "quantity": 2}],
            "default_tax_rates": rates,
        }
    )
    amounts = {"refund_amount": 100, "credit_amount": 200, "out_of_band_amount": 300}
    note = {"invoice": taxed.latest_invoice, "amount": 600, "reason": "order_change"}
    shop.api.credit_notes.create(note | amounts)
    shop.payments_end(taxed.customer, "decline", times=1)
    shop.seats(taxed, 3, proration_behavior="always_invoice")
    owed = shop.again(taxed).latest_invoice
    shop.api.credit_notes.create({"invoice": owed, "amount": 10, "memo": "sorry"})


def read_lists(shop, subscription):
    """Read what is only read in lists."""
    customer = {"customer": subscription.customer}
    expand = {"expand": ["data.latest_invoice.payments", "data.items.data.price.product"]}
    shop.api.subscriptions.list({**customer, "status": "all", **expand})
    shop.api.invoices.list(customer)
    shop.api.invoice_items.list(customer)
    shop.api.invoice_payments.list({})
    shop.api.checkout.sessions.list({})
    shop.api.customers.list({})
    shop.api.customers.tax_ids.list(subscription.customer)
    shop.api.customers.payment_methods.list(subscription.customer)
    shop.api.prices.list({"expand": ["data.tiers", "data.product"]})
    shop.api.events.list({"limit": 5})
    features = {"subscription_cancel": {"enabled": True}, "invoice_history": {"enabled": True}}
    shop.api.billing_portal.configurations.create({"features": features})
    shop.api.billing_portal.configurations.list({})
    shop.api.billing_portal.sessions.create(customer)
    hook = {"url": "https://acme.test/hook", "enabled_events": ["*"]}
    shop.api.webhook_endpoints.delete(shop.api.webhook_endpoints.create(hook).id)


def end(shop, subscription):
    """End the subscription and delete its customer."""
    shop.api.subscriptions.cancel(subscription.id, {"prorate": True, "invoice_now": True})
    tax_id = shop.api.customers.tax_ids.list(subscription.customer).data[0]
    shop.api.customers.tax_ids.delete(subscription.customer, tax_id.id)
    shop.api.customers.delete(subscription.customer)
    shop.api.customers.retrieve(subscription.customer)
    shop.api.products.delete(shop.api.products.create({"name": "Gone"}).id)


def name_type(answer):
    """Return the type of an answer, or None for an empty list."""
    kind = answer["object"]
    if kind == "list":
        return f"ApiList<Stripe.{name_type(answer['data'][0])}>" if answer["data"] else None
    name = TYPES.get(kind) or "".join(part.capitalize() for part in kind.split("_"))
    return f"Deleted{name}" if answer.get("deleted") else name


def write_literal(value, key=""):
    """Write JSON as a TypeScript literal; the package reads decimals into a class of its own."""
    if key == "previous_attributes":
        return "{}"  # what it holds of nested objects is less than their types require
    if isinstance(value, dict):
        fields = (
            f"{json.dumps(name)}: {write_literal(entry, name)}" for name, entry in value.items()
        )
        return f"{{{', '.join(fields)}}}"
    if isinstance(value, list):
        return f"[{', '.join(write_literal(entry) for entry in value)}]"
    if key.endswith("_decimal") and value is not None:
        return f"decimal({json.dumps(value)})"
    return json.dumps(value)


def compile_answers(answers):
    """Return what the compiler says about answers, each declared with its type."""
    lines = [
        'import Stripe from "stripe";',
        "declare function decimal(value: string): Stripe.Decimal;",
    ]
    for number, answer in enumerate(answers):
        if type_ := name_type(answer):
            lines.append(f"const a{number}: Stripe.{type_} = {write_literal(answer)};")
    lines.append("export {};")
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        Path(folder, "answers.ts").write_text("\n".join(lines))
        Path(folder, "tsconfig.json").write_text(json.dumps(CONFIG))
        command = ["sh", "scripts/node", "tsc", "--project", folder, "--pretty", "false"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode else []


def test_answers_and_events_have_the_types_of_stripes_package(recorded):
    assert compile_answers(recorded) == []
    kinds = {name_type(answer) for answer in recorded}
    assert {"Subscription", "Invoice", "Customer", "Checkout.Session", "Event"} <= kinds
    version = (PACKAGE / "esm" / "apiVersion.js").read_text()
    assert f"'{API_VERSION}'" in version
    assert_planted_errors_are_found(recorded)


def assert_planted_errors_are_found(recorded):
    subscription = next(answer for answer in recorded if answer["object"] == "subscription")
    missing = {name: value for name, value in subscription.items() if name != "collection_method"}

    problems = compile_answers([missing, subscription | {"status": None}, subscription])

    assert len(problems) == 2
    assert "'collection_method' is missing" in problems[0]
    assert "Type 'null' is not assignable" in problems[1]
