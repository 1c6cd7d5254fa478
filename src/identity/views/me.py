"""The person behind the session."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import bearer, bound_to
from identity.serializers.people import (
    MeSerializer,
    PlacesSerializer,
    SessionsSerializer,
    UserSerializer,
)
from identity.services import profile
from identity.sessions import sessions
from identity.sessions.authenticate import Bound
from kit import access
from kit.views import APIView


class Me(APIView):
    """Who the session is."""

    access = access.SESSION
    resource = "me"

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """The person, the current organization, the member in it and what the role allows."""
        return _me(bound_to(request))

    @extend_schema(request=UserSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change one's name, picture or time zone."""
        bound = bound_to(request)
        read = UserSerializer(bound.member.user, data=request.data, partial=True)
        read.is_valid(raise_exception=True)
        profile.update(bound.member.user, **read.validated_data)
        return _me(bound)


class MyOrganizations(APIView):
    """The organizations this person may enter, as Stytch says at this moment."""

    access = access.SESSION
    resource = "my_organizations"
    operation = "me_list_organizations"
    tag = "me"

    @extend_schema(responses=PlacesSerializer)
    def get(self, request: Request) -> Response:
        places = sessions.places(session_jwt=bearer(request) or "")
        return Response(PlacesSerializer({"results": places}).data)


class MySessions(APIView):
    """One's own live sessions in this organization, the latest first."""

    access = access.SESSION
    resource = "my_sessions"
    operation = "me_list_sessions"
    tag = "me"

    @extend_schema(responses=SessionsSerializer)
    def get(self, request: Request) -> Response:
        bound = bound_to(request)
        listed = sessions.listed(bound.organization, bound.member)
        context = {"session_id": bound.session_id}
        return Response(SessionsSerializer({"results": listed}, context=context).data)


class MySession(APIView):
    """End one of one's own sessions."""

    access = access.SESSION
    resource = "my_sessions"
    operation = "me_delete_session"
    tag = "me"

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, session_id: str) -> Response:
        bound = bound_to(request)
        sessions.revoke_other(bound.organization, bound.member, session_id=session_id)
        return Response(status=204)


def _me(bound: Bound) -> Response:
    me = {
        "member": bound.member,
        "organization": bound.organization,
        "permissions": sorted(bound.permissions),
    }
    return Response(MeSerializer(me).data)
