"""Serve example views of each kind; tests set this module as their ROOT_URLCONF."""

from dataclasses import dataclass
from types import SimpleNamespace
from uuid import UUID

from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.urls import path
from django_filters import CharFilter, FilterSet, NumberFilter
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.response import Response

from kit import access, problems
from kit.errors import Conflict
from kit.serializers import StrictModelSerializer, StrictSerializer
from kit.views import APIView, ListMixin, RetrieveMixin, ViewSet


@dataclass
class Session:
    """Hold the organization and the permissions of a valid token."""

    organization: object
    permissions: frozenset = frozenset({"shelf.read"})
    member: object = None
    session_id: str = "session"


ACME = SimpleNamespace(id=UUID(int=1), slug="acme")
GLOBEX = SimpleNamespace(id=UUID(int=2), slug="globex")
SESSIONS = {
    "acme": Session(ACME),
    "globex": Session(GLOBEX),
    "without-permission": Session(ACME, permissions=frozenset()),
}


class Tokens(BaseAuthentication):
    def authenticate(self, request):
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and given not in SESSIONS:
            raise AuthenticationFailed
        return (SimpleNamespace(is_authenticated=True), SESSIONS[given]) if given else None


class Declared(BasePermission):
    def has_permission(self, request, view):
        declared = access.get_declared_access(view, request)
        return declared in (access.PUBLIC, access.SESSION) or declared in request.auth.permissions


class Guarded:
    authentication_classes = [Tokens]
    permission_classes = [Declared]


class BookSerializer(StrictModelSerializer):
    class Meta:
        model = Permission
        fields = ("id", "name", "codename")


class BookFilter(FilterSet):
    codename = CharFilter(max_length=50)
    kind = NumberFilter(field_name="content_type_id")

    class Meta:
        model = Permission
        fields = ()


class Books(Guarded, ListMixin, RetrieveMixin, ViewSet):
    """The books of the shelf."""

    access = {"list": "shelf.read", "retrieve": "shelf.read", "recent": access.SESSION}
    feature = {"retrieve": "reading"}
    resource = "books"
    lists = frozenset({"list", "recent"})
    queryset = Permission.objects.all()
    serializer_class = BookSerializer
    filterset_class = BookFilter
    ordering = "name"
    ordering_fields = {"name": "name", "code": "codename", "app": "content_type__app_label"}

    @action(detail=False)
    def recent(self, _request):
        """List the books read lately."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class LineSerializer(StrictSerializer):
    text = serializers.CharField(max_length=10)
    number = serializers.IntegerField(required=False)


class NoteSerializer(StrictSerializer):
    id = serializers.UUIDField(read_only=True)
    title = serializers.CharField()
    extra = serializers.JSONField(required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    lines = LineSerializer(many=True, required=False)
    read = serializers.BooleanField(required=False)
    shelf = serializers.UUIDField(required=False)


class Notes(Guarded, APIView):
    access = {"post": access.PUBLIC, "get": access.SESSION}
    query_parameters = {"get": ("q",)}
    resource = "notes"
    serializer_class = NoteSerializer

    def get(self, request):
        """Read the notes."""
        return Response({"organization": request.auth.organization.slug, "nan": float("nan")})

    def post(self, request):
        """Write a note.

        Anyone may.
        """
        serializer = NoteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data, status=201)


class Undeclared(Guarded, APIView):
    def get(self, _request):
        return Response({})


class ShelfFull(Conflict):
    """The shelf is full."""


FAILURES = {
    "conflict": ShelfFull("Remove a book first.", limit=3),
    "missing": Http404("No Permission matches the given query."),
    "denied": PermissionDenied("secret reason"),
    "database": OperationalError("connection to 10.0.0.7 lost"),
    "bug": ZeroDivisionError("internal secret"),
}


class Fails(APIView):
    access = access.PUBLIC

    def get(self, _request, kind):
        raise FAILURES.get(kind, Http404())


def plain_bug(_request):
    raise ZeroDivisionError("internal secret")


def reads_body(request):
    return problems.render_problem(ShelfFull(str(len(request.body))), request)


urlpatterns = [
    path("books", Books.as_view({"get": "list"})),
    path("books/recent", Books.as_view({"get": "recent"})),
    path("books/<int:pk>", Books.as_view({"get": "retrieve"})),
    path("notes", Notes.as_view()),
    path("undeclared", Undeclared.as_view()),
    path("fails/<str:kind>", Fails.as_view()),
    path("plain-bug", plain_bug),
    path("reads-body", reads_body),
]
handler400 = problems.bad_request
handler403 = problems.forbidden
handler404 = problems.not_found
handler500 = problems.server_error
