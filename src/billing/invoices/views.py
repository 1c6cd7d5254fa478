"""What was charged."""

from django.db.models import QuerySet

from billing.invoices.serializers import InvoiceSerializer
from billing.models import Invoice
from kit.views import ListMixin, ViewSet
from tenancy.views import ControlPlaneScope


class InvoiceViewSet(ControlPlaneScope, ListMixin, ViewSet):
    """List invoices, newest first, without drafts."""

    access = "billing.read"
    resource = "invoices"
    queryset = Invoice.objects.none()  # the contract asks which model
    serializer_class = InvoiceSerializer
    ordering = "-issued_at"

    def get_queryset(self) -> QuerySet[Invoice]:
        """Return the organization's invoices."""
        found = Invoice.objects.filter(organization=self.organization)
        return found.exclude(status=Invoice.Status.DRAFT)
