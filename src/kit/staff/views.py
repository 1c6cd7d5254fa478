"""Serve the pages that enrol the second factor, ask for it and show recovery codes."""

from base64 import b32encode
from typing import Any, Final

import django_otp
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from django import forms
from django.contrib import admin, auth
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from kit.staff import second_factor

WRONG_CODE: Final = "This code is wrong or was used before. After several wrong codes, each further one waits longer."


class CodeForm(forms.Form):
    """One code of an authenticator app, or a recovery code."""

    code = forms.CharField(
        max_length=32,
        widget=UnfoldAdminTextInputWidget(
            {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


def is_staff(request: HttpRequest) -> bool:
    """Return whether the password of an active member of staff was shown."""
    return bool(request.user.is_active and request.user.is_staff)


def is_verified(request: HttpRequest) -> bool:
    """Return whether the session has shown the second factor too."""
    return bool(request.user.is_verified())  # type: ignore[union-attr]  # OTPMiddleware adds it


@never_cache
@sensitive_post_parameters("code")
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a code, and lock out who guesses, as for passwords."""
    if not is_staff(request) or is_verified(request):
        return _redirect_onwards(request)
    if second_factor.find_authenticator(request.user) is None:  # type: ignore[arg-type]  # staff
        return HttpResponseRedirect(_keep_next(request, "admin:second_factor_enrol"))
    credentials = {"username": request.user.get_username()}
    if not AxesProxyHandler.is_allowed(request, credentials):
        return get_lockout_response(request, credentials=credentials)  # type: ignore[no-any-return]
    form = CodeForm(request.POST or None)
    if form.is_valid():
        device = second_factor.check_code(request.user, form.cleaned_data["code"])  # type: ignore[arg-type]
        if device is not None:
            _open_session(request, device)
            return _redirect_onwards(request)
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        form.add_error("code", WRONG_CODE)
    return _render(request, "kit/second_factor.html", "Second factor", form=form)


@never_cache
@sensitive_post_parameters("code")
def enrol(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator, and the recovery codes once it is confirmed."""
    if not is_staff(request) or second_factor.find_authenticator(request.user):  # type: ignore[arg-type]
        return HttpResponseRedirect(_keep_next(request, "admin:second_factor"))
    form = CodeForm(request.POST or None)
    if form.is_valid():
        confirmed = second_factor.confirm_enrolment(request.user, form.cleaned_data["code"])  # type: ignore[arg-type]
        if confirmed is not None:
            device, codes = confirmed
            _open_session(request, device)
            return _render_recovery_codes(request, codes)
        form.add_error("code", WRONG_CODE)
    device = second_factor.start_enrolment(request.user)  # type: ignore[arg-type]
    return _render(
        request,
        "kit/second_factor_enrol.html",
        "Set up the second factor",
        form=form,
        qr_code=second_factor.draw_qr_code(device),
        secret=b32encode(device.bin_key).decode().rstrip("="),
    )


def replace_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Show how many recovery codes are left, and replace them on request."""
    if request.method == "POST":
        codes = second_factor.create_recovery_codes(request.user)  # type: ignore[arg-type]  # staff
        return _render_recovery_codes(request, codes)
    left = second_factor.count_recovery_codes(request.user)  # type: ignore[arg-type]  # staff
    return _render(request, "kit/recovery_codes.html", "Recovery codes", left=left)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End a session without its second factor, to sign in as another person."""
    auth.logout(request)
    return HttpResponseRedirect(reverse("admin:login"))


def _open_session(request: HttpRequest, device: object) -> None:
    django_otp.login(request, device)
    request.session.cycle_key()


def _redirect_onwards(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect to the page that was asked for, if it is one of ours."""
    target = request.GET.get("next", "")
    hosts = {request.get_host()}
    if url_has_allowed_host_and_scheme(target, hosts, require_https=request.is_secure()):
        return HttpResponseRedirect(target)
    return HttpResponseRedirect(reverse("admin:index"))


def _keep_next(request: HttpRequest, name: str) -> str:
    query = request.GET.urlencode()
    return f"{reverse(name)}?{query}" if query else reverse(name)


def _render_recovery_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return _render(request, "kit/recovery_codes.html", "Recovery codes", codes=codes)


def _render(request: HttpRequest, template: str, title: str, **values: Any) -> HttpResponse:  # noqa: ANN401
    context = admin.site.each_context(request) | {"title": title, **values}
    return render(request, template, context)
