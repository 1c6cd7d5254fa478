"""Serializers of the billing profile."""

from typing import Final

from rest_framework import serializers

from billing.models import Customer
from kit.serializers import NameField, StrictSerializer

COUNTRY_PATTERN: Final = r"^[A-Za-z]{2}$"


class ProfileSerializer(StrictSerializer):
    """The billing profile, as invoices print it."""

    name = serializers.CharField(source="billing_name")
    email = serializers.CharField(source="billing_email")
    address_line1 = serializers.CharField(source="billing_address_line1")
    address_line2 = serializers.CharField(source="billing_address_line2")
    city = serializers.CharField(source="billing_city")
    state = serializers.CharField(source="billing_state")
    postal_code = serializers.CharField(source="billing_postal_code")
    country = serializers.CharField(source="billing_country")
    vat_id = serializers.CharField()
    vat_status = serializers.ChoiceField(choices=Customer.VatStatus.choices, allow_null=True)

    def to_representation(self, instance: Customer) -> dict[str, object]:
        """Return the profile, without a status where there is no VAT number."""
        shown: dict[str, object] = super().to_representation(instance)
        return {**shown, "vat_status": shown["vat_status"] or None}


class ProfileChangeSerializer(StrictSerializer):
    """The fields to change.

    A blank value clears one.
    """

    name = NameField(max_length=256, required=False, allow_blank=True)
    email = serializers.EmailField(max_length=320, required=False, allow_blank=True)
    address_line1 = serializers.CharField(max_length=256, required=False, allow_blank=True)
    address_line2 = serializers.CharField(max_length=256, required=False, allow_blank=True)
    city = serializers.CharField(max_length=128, required=False, allow_blank=True)
    state = serializers.CharField(max_length=128, required=False, allow_blank=True)
    postal_code = serializers.CharField(max_length=32, required=False, allow_blank=True)
    country = serializers.RegexField(
        COUNTRY_PATTERN,
        required=False,
        allow_blank=True,
        max_length=2,
        help_text="ISO 3166-1 alpha-2.",
    )
    vat_id = serializers.CharField(max_length=32, required=False, allow_blank=True)
