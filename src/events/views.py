"""The audit trail of an organization, to read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from events import history, registry
from events.filters import EventFilter
from events.models import Event
from events.serializers import EventSerializer, EventTypePageSerializer
from events.services import names
from kit.views import APIView, ListMixin, RetrieveMixin, ViewSet

if TYPE_CHECKING:

    class Scope(APIView):
        """Any mixin that enters the organization of the path."""

        organization: Any

else:
    # Tenancy lies above: which organization a path means is a name in settings.
    Scope = import_string(settings.ORGANIZATION_SCOPE)


class EventViewSet(Scope, ListMixin, RetrieveMixin, ViewSet):
    """Who changed what, when and from where.

    Without `since`, the list goes back thirty days. Older events need the feature `audit_history`.
    """

    access = "event.read"
    resource = "events"
    serializer_class = EventSerializer
    filterset_class = EventFilter
    ordering = "-occurred_at"
    ordering_fields = ("occurred_at",)
    lookup_field = "id"

    def get_queryset(self) -> QuerySet[Event]:
        """Return the events of the organization whose schema is active."""
        return Event.objects.all()

    def filter_queryset[Row](self, queryset: QuerySet[Any, Row]) -> QuerySet[Any, Row]:
        """Apply the filters, then the plan's limit on how far back they may reach."""
        found = super().filter_queryset(queryset)
        if self.action != "list":
            return found
        since = EventFilter.base_filters["since"].field.clean(
            self.request.query_params.get("since")
        )
        if since is None:
            return found.filter(occurred_at__gte=history.recent_since())
        history.require_history(self.organization, since)
        return found

    def paginate_queryset[Row](
        self, queryset: QuerySet[Any, Row] | Sequence[Row]
    ) -> list[Row] | None:
        """Return a page of events with the names of actors and targets."""
        page = super().paginate_queryset(queryset)
        names.attach_names(cast("list[Event]", page or []))
        return page

    def get_object(self) -> Event:
        """Return one event with the names of its actor and target."""
        event: Event = super().get_object()
        history.require_history(self.organization, event.occurred_at)
        names.attach_names([event])
        return event


class EventTypesView(Scope, APIView):
    """List every event type."""

    access = "event.read"
    resource = "event_types"
    operation = "event_types_list"

    @extend_schema(responses=EventTypePageSerializer)
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        return Response(EventTypePageSerializer({"results": registry.all_types()}).data)
