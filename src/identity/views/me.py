"""The person behind the session."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import get_request_context, read_bearer_token
from identity.serializers.people import (
    MeSerializer,
    PlacesSerializer,
    SessionsSerializer,
    UserSerializer,
)
from identity.services import profile
from identity.sessions import sessions
from identity.sessions.authenticate import RequestContext
from kit import access
from kit.views import APIView


class Me(APIView):
    """Who the session is."""

    access = access.SESSION
    resource = "me"

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Return the person, the current organization, the member in it and its permissions."""
        return _respond_with_me(get_request_context(request))

    @extend_schema(request=UserSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change one's name, picture or time zone."""
        bound = get_request_context(request)
        read = UserSerializer(bound.member.user, data=request.data, partial=True)
        read.is_valid(raise_exception=True)
        profile.update_person(bound.member.user, **read.validated_data)
        return _respond_with_me(bound)


class MyOrganizations(APIView):
    """List the organizations this person may enter, as the directory has them now.

    A session of an organization's own identity provider lists that organization only.
    """

    access = access.SESSION
    resource = "my_organizations"
    operation = "me_list_organizations"
    tag = "me"

    @extend_schema(responses=PlacesSerializer)
    def get(self, request: Request) -> Response:
        places = sessions.list_session_places(
            get_request_context(request), session_jwt=read_bearer_token(request) or ""
        )
        return Response(PlacesSerializer({"results": places}).data)


class MySessions(APIView):
    """One's own live sessions in this organization, the latest first."""

    access = access.SESSION
    resource = "my_sessions"
    operation = "me_list_sessions"
    tag = "me"

    @extend_schema(responses=SessionsSerializer)
    def get(self, request: Request) -> Response:
        bound = get_request_context(request)
        listed = sessions.list_sessions(bound.organization, bound.member)
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
        bound = get_request_context(request)
        sessions.revoke_other_session(bound.organization, bound.member, session_id=session_id)
        return Response(status=204)


def _respond_with_me(bound: RequestContext) -> Response:
    me = {
        "member": bound.member,
        "organization": bound.organization,
        "permissions": sorted(bound.permissions),
    }
    return Response(MeSerializer(me).data)
