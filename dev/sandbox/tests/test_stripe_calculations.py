"""The parts without a server.

Forms, parameters, money, periods, differences, keys.
"""

from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.store import Store
from sandbox.stripe import money, periods
from sandbox.stripe.protocol import form_encoding, parameters, schemas
from sandbox.stripe.protocol.documents import find_previous_values, merge_stripe_metadata
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.events import ObjectChange, merge_change
from sandbox.stripe.protocol.idempotency import Answer, IdempotencyKeys

PRICE = {"billing_scheme": "per_unit", "unit_amount_decimal": "900", "transform_quantity": None}
MONTH = {"interval": "month", "interval_count": 1}


def moment(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_form_becomes_objects_and_lists():
    text = "items[0][id]=si_1&items[0][quantity]=5&items[1][id]=si_2&expand[]=a&expand[]=b&name="

    assert form_encoding.decode_form(text) == {
        "items": [{"id": "si_1", "quantity": "5"}, {"id": "si_2"}],
        "expand": ["a", "b"],
        "name": "",
    }


@pytest.mark.parametrize("text", ["a=1&a[b]=2", "a[b]=2&a=1", "[a]=1", "a[b=1", "a" + "[b]" * 40])
def test_malformed_form_is_refused(text):
    with pytest.raises(StripeError):
        form_encoding.decode_form(text)


def test_parameters_take_the_types_of_their_schema():
    text = "quantity=5&off_session=true&proration_date=1795298400&metadata[n]=5&discounts="

    typed = parameters.coerce_parameters(
        "SubscriptionItemUpdateParams", form_encoding.decode_form(text)
    )

    assert typed == {
        "quantity": 5,
        "off_session": True,
        "proration_date": 1795298400,
        "metadata": {"n": "5"},
        "discounts": "",
    }
    schema = schemas.load_parameter_schemas()["SubscriptionItemUpdateParams"]
    jsonschema.validate(typed, schema)


@pytest.mark.parametrize(
    "text",
    [
        "quantity=five",
        "quantity=",
        "off_session=yes",
        "proration_behavior=maybe",
        "metadata[a][b]=1",
    ],
)
def test_ill_typed_parameters_are_refused(text):
    with pytest.raises(StripeError):
        parameters.coerce_parameters(
            "SubscriptionItemUpdateParams", form_encoding.decode_form(text)
        )


def test_removed_field_is_found_although_the_schema_lets_it_pass():
    listed = {"object": "list", "data": [{"id": "cus_1", "object": "customer", "deleted": True}]}
    assert schemas.find_faults(listed) == []

    stub = {"id": "cus_1", "object": "customer", "created": 1, "livemode": False, "sauce": 1}
    assert schemas.find_faults(stub) == ["customer.sauce: not a field of this API version"]


@given(
    quantity=st.integers(0, 10_000), unit=st.integers(0, 100_000), share=st.integers(0, 2_678_400)
)
def test_credit_mirrors_debit_and_stays_within_the_period(quantity, unit, share):
    price = PRICE | {"unit_amount_decimal": str(unit)}

    debit = money.compute_proration(price, quantity, at=share, start=0, end=2_678_400)

    assert 0 <= debit <= quantity * unit
    assert money.round_half_up(-money.compute_cost(price, quantity)) == -quantity * unit


def test_proration_rounds_half_up_per_line():
    assert (
        money.compute_proration(PRICE | {"unit_amount_decimal": "5"}, 1, at=1, start=0, end=2) == 3
    )
    assert (
        money.compute_proration(PRICE | {"unit_amount_decimal": "4"}, 1, at=2, start=0, end=3) == 1
    )


def test_tiers_charge_graduated_or_by_volume():
    tiers = [
        {"up_to": 3, "unit_amount_decimal": "0", "flat_amount_decimal": "2000"},
        {"up_to": None, "unit_amount_decimal": "500", "flat_amount_decimal": None},
    ]
    price = PRICE | {"billing_scheme": "tiered", "tiers": tiers}

    assert money.compute_cost(price | {"tiers_mode": "graduated"}, 3) == 2000
    assert money.compute_cost(price | {"tiers_mode": "graduated"}, 5) == 3000
    assert money.compute_cost(price | {"tiers_mode": "volume"}, 5) == 2500


def test_month_end_returns_after_february():
    anchor = moment("2027-01-31")

    ends = [periods.get_period_start(anchor, MONTH, number) for number in (1, 2)]

    assert ends == [moment("2027-02-28"), moment("2027-03-31")]


@given(st.integers(0, 10**9), st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 6))
def test_next_boundary_is_the_first_one_later(span, interval, count):
    recurring = {"interval": interval, "interval_count": count}
    anchor = moment("2024-02-29")

    following = periods.find_next_period_start(anchor + span, anchor, recurring)

    number = next(
        n for n in range(30_000) if periods.get_period_start(anchor, recurring, n) == following
    )
    assert periods.get_period_start(anchor, recurring, number - 1) <= anchor + span < following


def test_previous_attributes_hold_changed_fields_and_whole_arrays():
    before = {"a": 1, "b": {"c": 1, "d": 2}, "e": [1, 2], "f": None}
    after = {"a": 1, "b": {"c": 1, "d": 3}, "e": [1, 3], "f": 5}

    assert find_previous_values(before, after) == {"b": {"d": 2}, "e": [1, 2], "f": None}


def test_metadata_merges_and_blanks_unset():
    assert merge_stripe_metadata({"a": "1", "b": "2"}, {"b": "", "c": "3"}) == {"a": "1", "c": "3"}
    assert merge_stripe_metadata({"a": "1"}, "") == {}
    with pytest.raises(StripeError):
        merge_stripe_metadata({}, {"k": "v" * 501})


def test_two_updates_of_one_object_are_one_event():
    facts = []
    for quantity in (2, 3):
        merge_change(
            facts,
            ObjectChange("x.updated", {"id": "x", "n": quantity}, {"id": "x", "n": quantity - 1}),
        )

    assert [(fact.before["n"], fact.object["n"]) for fact in facts] == [(1, 3)]


def test_key_in_flight_is_a_conflict():
    keys = IdempotencyKeys(Store())
    assert keys.claim_key("k", "print") is None

    with pytest.raises(StripeError) as caught:
        keys.claim_key("k", "print")
    assert (caught.value.status, caught.value.code) == (409, "idempotency_key_in_use")

    keys.store_answer("k", "print", Answer(200, {"id": "x"}))
    assert keys.claim_key("k", "print") == Answer(200, {"id": "x"}, replayed=True)
