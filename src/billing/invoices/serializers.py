"""What was charged."""

from rest_framework import serializers

from billing.models import Invoice
from kit.serializers import StrictModelSerializer


class InvoiceSerializer(StrictModelSerializer):
    """An invoice.

    Its links open it for anyone, so only billing admins get them.
    """

    status = serializers.ChoiceField(choices=Invoice.Status.choices)
    subtotal = serializers.IntegerField(help_text="The total without its tax.")
    created = serializers.DateTimeField(source="issued_at")
    hosted_url = serializers.CharField(max_length=1_000)
    pdf = serializers.CharField(source="pdf_url", max_length=1_000)

    class Meta:
        model = Invoice
        fields = (
            "id", "number", "status", "subtotal", "tax", "total", "amount_due", "credited",
            "currency", "created", "hosted_url", "pdf",
        )  # fmt: skip
        read_only_fields = fields
