"""State that survives.

A sandbox started again knows its subscriptions, keys and unsent events.
"""

import pytest

from sandbox.tests.shop import Shop, stripe_client
from sandbox.tests.support import Control, Served, settings


@pytest.fixture
def reopened(tmp_path, receiver):
    """Opens a sandbox over the same file, again and again."""
    chosen = settings(state=str(tmp_path / "state.db"), webhook_base=receiver.url)

    def reopen():
        return Served(chosen)

    return reopen


def test_subscription_and_keys_survive_a_restart(reopened, receiver):
    with reopened() as first:
        control = Control(first.url)
        shop = Shop(stripe_client(first), control, receiver)
        subscription = shop.subscribed(seats=5)
        shop.api.customers.create({"name": "Once"}, {"idempotency_key": "k"})
        control.close()

    with reopened() as second:
        api = stripe_client(second).v1
        again = api.customers.create({"name": "Once"}, {"idempotency_key": "k"})
        assert again.last_response.headers["Idempotent-Replayed"] == "true"
        assert api.subscriptions.retrieve(subscription.id).items.data[0].quantity == 5


def test_what_became_due_while_it_was_off_happens_at_the_next_start(reopened, receiver):
    with reopened() as first:
        control = Control(first.url)
        shop = Shop(stripe_client(first), control, receiver)
        subscription = shop.subscribed(seats=5)
        control.close()
        first.app.world.clock.advance(32 * 86400)
        first.app.world.store.commit()

    with reopened() as second:
        api = stripe_client(second).v1
        invoices = api.invoices.list({"subscription": subscription.id}).data
        assert [invoice.billing_reason for invoice in invoices] == [
            "subscription_cycle",
            "subscription_create",
        ]
