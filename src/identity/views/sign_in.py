"""The views for signing in with a provider and with a second factor."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from identity.directories.types import SecondFactor
from identity.errors import InvalidSignIn, MemberSuspended
from identity.serializers.people import DiscoverySerializer, SentSerializer, SessionSerializer
from identity.serializers.sign_in import (
    AuthenticatorAppSerializer,
    OAuthStartSerializer,
    ProviderTokenSerializer,
    RecoveryCodeSerializer,
    SecondFactorCodeSerializer,
    SecondFactorSerializer,
    SmsSerializer,
    SsoStartSerializer,
)
from identity.sessions import providers, second_factor
from identity.sign_in_errors import (
    AnotherFactorRequired,
    InvalidSecondFactor,
    JoiningNotAllowed,
    MfaRequired,
    SecondFactorExists,
    SecondFactorNotAllowed,
    SignInLocked,
)
from identity.views.auth import NO_STORE_HEADERS, SENT_ANSWER, respond_with_session
from kit import access
from kit.errors import TooManyRequests
from kit.serializers import read_body, read_query
from kit.views import APIView
from tenancy.errors import SchemaNotReady

REDIRECT_RESPONSES = {302: OpenApiResponse(description="The browser goes to the provider.")}


class OAuthStart(APIView):
    """Send the browser to a provider such as Google.

    It comes back to `redirect_url` with `stytch_token_type=discovery_oauth` and a `token`.
    """

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_start_oauth"
    query_parameters = ("provider", "redirect_url", "code_challenge")

    @extend_schema(parameters=[OAuthStartSerializer], request=None, responses=REDIRECT_RESPONSES)
    def get(self, request: Request) -> Response:
        return _redirect(providers.start_oauth(**read_query(request, OAuthStartSerializer)))


class SsoStart(APIView):
    """Send the browser to an organization's own identity provider.

    It comes back to `redirect_url` with `stytch_token_type=sso` and a `token`.
    """

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_start_sso"
    query_parameters = ("connection_id", "redirect_url", "code_challenge")

    @extend_schema(parameters=[SsoStartSerializer], request=None, responses=REDIRECT_RESPONSES)
    def get(self, request: Request) -> Response:
        return _redirect(providers.start_sso(**read_query(request, SsoStartSerializer)))


class OAuth(APIView):
    """Spend a provider's token, and list the organizations its address opens."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_discover_by_oauth"
    problems = (InvalidSignIn,)

    @extend_schema(request=ProviderTokenSerializer, responses=DiscoverySerializer)
    def post(self, request: Request) -> Response:
        found = providers.discover_by_oauth(**read_body(request, ProviderTokenSerializer))
        return Response(DiscoverySerializer(found).data, headers=NO_STORE_HEADERS)


class Sso(APIView):
    """Spend the token of an organization's own provider, and sign in there."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_sign_in_by_sso"
    problems = (
        InvalidSignIn,
        MemberSuspended,
        MfaRequired,
        AnotherFactorRequired,
        JoiningNotAllowed,
    )

    @extend_schema(request=ProviderTokenSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        session = providers.sign_in_by_sso(**read_body(request, ProviderTokenSerializer))
        return respond_with_session(session, status=201)


class _SecondFactorCheck(APIView):
    access = access.PUBLIC
    resource = "auth"
    rate_limited = frozenset({"post"})
    problems = (
        InvalidSignIn,
        InvalidSecondFactor,
        MemberSuspended,
        SchemaNotReady,
        SignInLocked,
        TooManyRequests,
    )
    method: ClassVar[SecondFactor]

    def _check(self, request: Request, serializer: type[BaseSerializer[Any]]) -> Response:
        session = second_factor.sign_in_by_second_factor(
            method=self.method, **read_body(request, serializer)
        )
        return respond_with_session(session, status=201)


class TotpCheck(_SecondFactorCheck):
    """Finish a sign-in with a code of the authenticator app."""

    operation = "auth_check_totp"
    method = "totp"

    @extend_schema(request=SecondFactorCodeSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        return self._check(request, SecondFactorCodeSerializer)


class SmsCheck(_SecondFactorCheck):
    """Finish a sign-in with a code sent by SMS."""

    operation = "auth_check_sms"
    method = "sms"

    @extend_schema(request=SecondFactorCodeSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        return self._check(request, SecondFactorCodeSerializer)


class RecoveryCheck(_SecondFactorCheck):
    """Finish a sign-in with a recovery code, which works once."""

    operation = "auth_check_recovery_code"
    method = "recovery"

    @extend_schema(request=RecoveryCodeSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        return self._check(request, RecoveryCodeSerializer)


class SmsSend(APIView):
    """Send a code by SMS, to the number given by a member who has none yet."""

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_send_sms"
    problems = (
        InvalidSignIn,
        SecondFactorExists,
        SecondFactorNotAllowed,
        SignInLocked,
        TooManyRequests,
    )
    rate_limited = frozenset({"post"})

    @extend_schema(request=SmsSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        second_factor.send_sms_code(**read_body(request, SmsSerializer))
        return Response(SENT_ANSWER, status=202)


class TotpEnrolment(APIView):
    """Set up an authenticator app.

    It counts once its first code was checked by `POST /v1/auth/mfa/totp`.
    """

    access = access.PUBLIC
    resource = "auth"
    operation = "auth_create_totp"
    problems = (InvalidSignIn, SecondFactorExists, SecondFactorNotAllowed)

    @extend_schema(request=SecondFactorSerializer, responses={201: AuthenticatorAppSerializer})
    def post(self, request: Request) -> Response:
        created = second_factor.create_authenticator_app(
            **read_body(request, SecondFactorSerializer)
        )
        answer = AuthenticatorAppSerializer(created).data
        return Response(answer, status=201, headers=NO_STORE_HEADERS)


def _redirect(url: str) -> Response:
    return Response(status=302, headers={"Location": url, **NO_STORE_HEADERS})
