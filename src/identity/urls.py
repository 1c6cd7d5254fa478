"""Sign-in, me, and the organization with its members and invitations."""

from django.urls import path

from identity.views import auth, me, sign_in
from identity.views.invitations import InvitationViewSet
from identity.views.members import MemberViewSet
from identity.views.organizations import OrganizationView, PermissionsView
from identity.views.security import SecurityView

ORGANIZATION = "organizations/<reference:slug>"
MEMBER = f"{ORGANIZATION}/members/<uuid:pk>"
INVITATION = f"{ORGANIZATION}/invitations/<uuid:pk>"

urlpatterns = [
    path("auth/magic-links", auth.MagicLinks.as_view()),
    path("auth/otp/send", auth.CodeSend.as_view()),
    path("auth/otp/verify", auth.CodeVerify.as_view()),
    path("auth/discovery", auth.Discovery.as_view()),
    path("auth/organizations", auth.Organizations.as_view()),
    path("auth/invitations/accept", auth.InvitationAcceptance.as_view()),
    path("auth/sessions", auth.Sessions.as_view()),
    path("auth/sessions/refresh", auth.SessionRefresh.as_view()),
    path("auth/sessions/switch", auth.SessionSwitch.as_view()),
    path("auth/oauth/start", sign_in.OAuthStart.as_view()),
    path("auth/oauth", sign_in.OAuth.as_view()),
    path("auth/sso/start", sign_in.SsoStart.as_view()),
    path("auth/sso", sign_in.Sso.as_view()),
    path("auth/mfa/totp", sign_in.TotpCheck.as_view()),
    path("auth/mfa/totp/enroll", sign_in.TotpEnrolment.as_view()),
    path("auth/mfa/sms", sign_in.SmsCheck.as_view()),
    path("auth/mfa/sms/send", sign_in.SmsSend.as_view()),
    path("auth/mfa/recovery", sign_in.RecoveryCheck.as_view()),
    path("auth/session", auth.CurrentSession.as_view()),
    path("me", me.Me.as_view()),
    path("me/organizations", me.MyOrganizations.as_view()),
    path("me/sessions", me.MySessions.as_view()),
    path("me/sessions/<str:session_id>", me.MySession.as_view()),
    path(ORGANIZATION, OrganizationView.as_view()),
    path(f"{ORGANIZATION}/security", SecurityView.as_view()),
    path(f"{ORGANIZATION}/permissions", PermissionsView.as_view()),
    path(f"{ORGANIZATION}/members", MemberViewSet.as_view({"get": "list"})),
    path(f"{ORGANIZATION}/members/leave", MemberViewSet.as_view({"post": "leave"})),
    path(
        MEMBER,
        MemberViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path(f"{MEMBER}/reactivate", MemberViewSet.as_view({"post": "reactivate"})),
    path(f"{MEMBER}/suspend", MemberViewSet.as_view({"post": "suspend"})),
    path(f"{MEMBER}/restore", MemberViewSet.as_view({"post": "restore"})),
    path(f"{MEMBER}/transfer-admin", MemberViewSet.as_view({"post": "transfer_admin"})),
    path(
        f"{ORGANIZATION}/invitations",
        InvitationViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(f"{ORGANIZATION}/invitations/bulk", InvitationViewSet.as_view({"post": "bulk"})),
    path(INVITATION, InvitationViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path(f"{INVITATION}/resend", InvitationViewSet.as_view({"post": "resend"})),
]
