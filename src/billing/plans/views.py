"""What is sold, for anyone to see."""

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from billing.models import Plan, PlanFeature, Price
from billing.plans.serializers import PlanSerializer
from kit import access
from kit.views import ListMixin, ViewSet


class PlanViewSet(ListMixin, ViewSet):
    """The plans on sale, with their prices and features."""

    access = access.PUBLIC
    resource = "plans"
    serializer_class = PlanSerializer
    ordering = "sort_order"

    def get_queryset(self) -> QuerySet[Plan]:
        """Return the public plans, with a bounded number of statements."""
        prices = Price.objects.on_sale(settings.BILLING_PROVIDERS[0]).order_by("amount")
        features = PlanFeature.objects.select_related("feature").order_by("feature__key")
        return Plan.objects.public().prefetch_related(
            Prefetch("prices", queryset=prices), Prefetch("features", queryset=features)
        )
