"""The views for signing in, refreshing, switching and signing out."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import get_request_context, read_bearer_token
from identity.errors import InvalidSession, InvalidSignIn, MemberSuspended
from identity.serializers.people import (
    CodeSerializer,
    DiscoverySerializer,
    EmailSerializer,
    EnterSerializer,
    NewOrganizationSerializer,
    RefreshSerializer,
    SentSerializer,
    SessionSerializer,
    SwitchSerializer,
    TokenSerializer,
)
from identity.sessions import sessions, sign_in
from identity.sessions.sign_in import Session
from identity.sign_in_errors import AnotherFactorRequired, MfaRequired
from kit import access
from kit.errors import NotFound
from kit.serializers import read_body
from kit.views import APIView
from tenancy.errors import SchemaNotReady, SlugTaken

SENT_ANSWER = {"status": "sent"}
NO_STORE_HEADERS = {
    "Cache-Control": "no-store"
}  # a session in a shared cache would be someone else's


class MagicLinks(APIView):
    """Mail a link that signs in.

    The answer is the same for unknown addresses.
    """

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_send_magic_link"
    rate_limited = frozenset({"post"})

    @extend_schema(request=EmailSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        sign_in.send_magic_link(**read_body(request, EmailSerializer))
        return Response(SENT_ANSWER, status=202)


class CodeSend(APIView):
    """Mail a one-time code.

    The answer is the same for unknown addresses.
    """

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_send_code"
    rate_limited = frozenset({"post"})

    @extend_schema(request=EmailSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        sign_in.send_code(**read_body(request, EmailSerializer))
        return Response(SENT_ANSWER, status=202)


class CodeVerify(APIView):
    """Spend a one-time code, and list the organizations its address opens."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_verify_code"
    problems = (InvalidSignIn,)
    rate_limited = frozenset({"post"})

    @extend_schema(request=CodeSerializer, responses=DiscoverySerializer)
    def post(self, request: Request) -> Response:
        found = sign_in.discover_by_code(**read_body(request, CodeSerializer))
        return Response(DiscoverySerializer(found).data, headers=NO_STORE_HEADERS)


class Discovery(APIView):
    """Spend a link's token, and list the organizations its address opens."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_discover"
    problems = (InvalidSignIn,)

    @extend_schema(request=TokenSerializer, responses=DiscoverySerializer)
    def post(self, request: Request) -> Response:
        found = sign_in.discover_by_link(**read_body(request, TokenSerializer))
        return Response(DiscoverySerializer(found).data, headers=NO_STORE_HEADERS)


class Organizations(APIView):
    """Create an organization, and sign in as its first admin."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_create_organization"
    problems = (InvalidSignIn, AnotherFactorRequired, SlugTaken, SchemaNotReady)

    @extend_schema(request=NewOrganizationSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        session = sign_in.create_organization(**read_body(request, NewOrganizationSerializer))
        return respond_with_session(session, status=201)


class Sessions(APIView):
    """Sign in to one of the discovered organizations."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_create_session"
    problems = (
        InvalidSignIn,
        MemberSuspended,
        NotFound,
        MfaRequired,
        AnotherFactorRequired,
        SchemaNotReady,
    )

    @extend_schema(request=EnterSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        return respond_with_session(
            sign_in.enter_organization(**read_body(request, EnterSerializer)), status=201
        )


class InvitationAcceptance(APIView):
    """Accept an invitation with the token of its mail, and sign in."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_accept_invitation"
    problems = (InvalidSignIn, MemberSuspended, MfaRequired, AnotherFactorRequired)

    @extend_schema(request=TokenSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        return respond_with_session(
            sign_in.accept_invitation(**read_body(request, TokenSerializer)), status=201
        )


class SessionRefresh(APIView):
    """Get a fresh session JWT, valid for five minutes."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_refresh_session"
    problems = (InvalidSession, MemberSuspended)

    @extend_schema(request=RefreshSerializer, responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        return respond_with_session(
            sessions.refresh_session(**read_body(request, RefreshSerializer))
        )


class SessionSwitch(APIView):
    """Exchange the session for one in another organization of the same person.

    A session of an organization's own identity provider reaches no other organization.
    """

    access = access.SESSION
    resource = "auth"
    operation = "auth_switch_session"
    problems = (InvalidSession, MemberSuspended, NotFound, MfaRequired, AnotherFactorRequired)

    @extend_schema(request=SwitchSerializer, responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        session = sessions.switch_organization(
            get_request_context(request),
            session_jwt=read_bearer_token(request) or "",
            **read_body(request, SwitchSerializer),
        )
        return respond_with_session(session)


class CurrentSession(APIView):
    """Sign out.

    The session is refused here from the next request, and revoked at Stytch.
    """

    access = access.SESSION
    resource = "auth"
    operation = "auth_delete_session"

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        bound = get_request_context(request)
        sessions.revoke_session(
            bound.organization,
            session_id=bound.session_id,
            expires_at=bound.session_expires_at,
        )
        return Response(status=204)


def respond_with_session(session: Session, *, status: int = 200) -> Response:
    """Return a session, which no cache may keep."""
    return Response(SessionSerializer(session).data, status=status, headers=NO_STORE_HEADERS)
