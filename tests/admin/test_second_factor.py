"""Check that the admin opens after password and second factor only, and who is locked out."""

import re
from types import SimpleNamespace

import pytest
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.env import Environment
from identity.models import User
from kit.staff import second_factor
from tests.admin.browsers import open_password_browser, open_staff_browser

VERIFY, ENROL, CODES = (
    "/admin/second-factor/",
    "/admin/second-factor/enrol/",
    "/admin/second-factor/recovery-codes/",
)
PASSWORD = "correct horse battery"


@pytest.fixture
def staff(db):
    """Return a member of staff who has set up the second factor, with the recovery codes."""
    user = User.objects.create_superuser(email="support@tenantry.example", password=PASSWORD)
    device = second_factor.start_enrolment(user)
    _, codes = second_factor.confirm_enrolment(user, show_code(device))
    TOTPDevice.objects.update(last_t=-1)  # as if the code of the set-up were an old one
    return SimpleNamespace(user=user, device=device, codes=codes)


def show_code(device):
    """Return what the authenticator app shows now."""
    return f"{TOTP(device.bin_key).token():06d}"


def show_wrong_code(device):
    """Return six digits that the app shows neither now nor in the steps around it."""
    near = {TOTP(device.bin_key, drift=drift).token() for drift in range(-3, 4)}
    return f"{next(number for number in range(10) if number not in near):06d}"


def send(browser, code, path=VERIFY):
    return browser.post(path, {"code": code})


def is_open(browser):
    return browser.get("/admin/").status_code == 200


# ── Entering a code ──────────────────────────────────────────────────────────────────────────


def test_password_alone_opens_no_page(staff):
    browser = Client()
    browser.post(reverse("admin:login"), {"username": staff.user.email, "password": PASSWORD})

    answer = browser.get("/admin/identity/user/", follow=True)

    assert [path for path, _ in answer.redirect_chain] == [
        "/admin/login/?next=/admin/identity/user/",
        "/admin/second-factor/?next=%2Fadmin%2Fidentity%2Fuser%2F",
    ]
    assert "authenticator app" in answer.content.decode()
    assert browser.get("/admin/search/?s=a").status_code == 302


def test_code_opens_the_page_that_was_asked_for(staff):
    browser = open_password_browser(staff.user)

    answer = send(browser, show_code(staff.device), f"{VERIFY}?next=/admin/identity/user/")

    assert answer["Location"] == "/admin/identity/user/"
    assert browser.get("/admin/identity/user/").status_code == 200


def test_code_leads_to_no_other_site(staff):
    browser = open_password_browser(staff.user)

    answer = send(browser, show_code(staff.device), f"{VERIFY}?next=https://evil.example/")

    assert answer["Location"] == "/admin/"


def test_code_works_once(staff):
    code = show_code(staff.device)
    first, second = open_password_browser(staff.user), open_password_browser(staff.user)
    send(first, code)
    send(second, code)

    assert is_open(first)
    assert not is_open(second)


def test_session_gets_another_id_with_the_second_factor(staff):
    browser = open_password_browser(staff.user)
    before = browser.session.session_key

    send(browser, show_code(staff.device))

    assert browser.session.session_key != before


def test_recovery_code_works_once_in_any_spelling(staff):
    code = staff.codes[3]
    first, second = open_password_browser(staff.user), open_password_browser(staff.user)
    send(first, f" {code.upper().replace('-', ' ')} ")
    send(second, code)

    assert is_open(first)
    assert not is_open(second)
    assert second_factor.count_recovery_codes(staff.user) == len(staff.codes) - 1


def test_fifth_wrong_code_locks_the_account_for_this_address(staff):
    browser = open_password_browser(staff.user)
    for _ in range(5):
        refused = send(browser, show_wrong_code(staff.device))

    assert refused.status_code == 429
    assert "Try again in an hour" in refused.content.decode()
    assert send(browser, show_code(staff.device)).status_code == 429
    assert AccessAttempt.objects.get().username == staff.user.email
    form = {"username": staff.user.email, "password": PASSWORD}
    assert Client().post(reverse("admin:login"), form).status_code == 429


def test_wrong_codes_from_many_addresses_slow_the_account_down(staff):
    for number in range(4):
        guessing = Client(REMOTE_ADDR=f"192.0.2.{number}")
        guessing.force_login(staff.user, backend="django.contrib.auth.backends.ModelBackend")
        assert send(guessing, show_wrong_code(staff.device)).status_code == 200
    browser = open_password_browser(staff.user)

    answer = send(browser, show_code(staff.device))

    assert "waits longer" in answer.content.decode()
    assert not is_open(browser)


def test_code_of_another_person_is_wrong(staff):
    other = User.objects.create_superuser(email="other@tenantry.example", password=PASSWORD)
    device = second_factor.start_enrolment(other)
    second_factor.confirm_enrolment(other, show_code(device))
    TOTPDevice.objects.update(last_t=-1)
    browser = open_password_browser(staff.user)

    send(browser, show_code(device))

    assert not is_open(browser)


def test_person_who_is_not_staff_gets_no_further(rows):
    browser = open_password_browser(User.objects.get(is_staff=False))

    for path in (VERIFY, ENROL, CODES):
        answer = browser.get(path, follow=True)
        assert answer.redirect_chain[-1][0].startswith("/admin/login/")
    assert not TOTPDevice.objects.exclude(user__is_staff=True).exists()


def test_blocked_staff_may_not_enter_a_code(staff):
    browser = open_password_browser(staff.user)
    User.objects.filter(pk=staff.user.pk).update(is_active=False)

    send(browser, show_code(staff.device))

    assert not is_open(browser)


def test_half_signed_in_person_can_leave(staff):
    browser = open_password_browser(staff.user)

    browser.post("/admin/second-factor/leave/")

    assert "_auth_user_id" not in browser.session


# ── Setting it up ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def newcomer(db):
    return User.objects.create_superuser(email="new@tenantry.example", password=PASSWORD)


def test_first_sign_in_sets_up_the_second_factor_and_shows_recovery_codes_once(newcomer):
    browser = open_password_browser(newcomer)
    page = browser.get("/admin/", follow=True)
    assert page.redirect_chain[-1][0].startswith(ENROL)
    assert "data:image/svg+xml" in page.content.decode()
    assert "img-src 'self' data:" in page["Content-Security-Policy"]
    device = TOTPDevice.objects.get(user=newcomer)

    done = send(browser, show_code(device), ENROL)

    codes = re.findall(r"<li>([a-z2-7]{8}-[a-z2-7]{8})</li>", done.content.decode())
    assert len(set(codes)) == second_factor.RECOVERY_CODE_COUNT
    assert "no-store" in done["Cache-Control"]
    assert is_open(browser)
    again = browser.get(ENROL, follow=True).content.decode() + browser.get(CODES).content.decode()
    assert not any(code in again for code in codes)


def test_wrong_code_sets_nothing_up(newcomer):
    browser = open_password_browser(newcomer)
    browser.get(ENROL)
    device = TOTPDevice.objects.get(user=newcomer)

    send(browser, show_wrong_code(device), ENROL)

    assert not is_open(browser)
    assert not TOTPDevice.objects.get(user=newcomer).confirmed
    assert not StaticToken.objects.exists()


def test_secret_stays_the_same_until_it_is_confirmed(newcomer):
    browser = open_password_browser(newcomer)
    browser.get(ENROL)
    browser.get(ENROL)

    assert TOTPDevice.objects.filter(user=newcomer).count() == 1


def test_password_alone_replaces_no_second_factor(staff):
    browser = open_password_browser(staff.user)

    assert browser.get(ENROL)["Location"] == VERIFY
    assert send(browser, show_code(staff.device), ENROL)["Location"] == VERIFY
    assert browser.post(CODES).status_code == 302
    assert TOTPDevice.objects.filter(user=staff.user).count() == 1
    assert second_factor.count_recovery_codes(staff.user) == len(staff.codes)


def test_second_enrolment_at_once_is_refused(staff):
    late = TOTPDevice.objects.create(user=staff.user, name="authenticator", confirmed=False)

    assert second_factor.confirm_enrolment(staff.user, show_code(late)) is None


def test_new_recovery_codes_replace_the_old_ones(staff):
    browser = open_staff_browser(staff.user)
    assert "10 of your recovery codes are unused" in browser.get(CODES).content.decode()

    page = browser.post(CODES).content.decode()

    assert len(re.findall(r"[a-z2-7]{8}-[a-z2-7]{8}", page)) == second_factor.RECOVERY_CODE_COUNT
    assert second_factor.check_code(staff.user, staff.codes[0]) is None


# ── Losing it ────────────────────────────────────────────────────────────────────────────────


def test_superuser_removes_a_lost_second_factor(staff, staff_client):
    page = reverse("admin:otp_totp_totpdevice_delete", args=[staff.device.pk])

    staff_client.post(page, {"post": "yes"})

    assert second_factor.find_authenticator(staff.user) is None
    assert second_factor.count_recovery_codes(staff.user) == 0


def test_removal_ends_what_the_second_factor_had_opened(staff):
    browser = open_staff_browser(staff.user)
    assert is_open(browser)

    second_factor.reset_second_factor(staff.user)

    assert not is_open(browser)


def test_other_staff_may_not_remove_a_second_factor(staff, rows):
    clerk = User.objects.create_superuser(email="clerk@tenantry.example", password=PASSWORD)
    clerk.is_superuser = False
    clerk.save()
    browser = open_staff_browser(clerk)

    page = reverse("admin:otp_totp_totpdevice_delete", args=[staff.device.pk])

    assert browser.post(page, {"post": "yes"}).status_code == 403


def test_command_removes_a_lost_second_factor(staff, capsys):
    call_command("reset_second_factor", staff.user.email.upper())

    assert second_factor.find_authenticator(staff.user) is None
    with pytest.raises(CommandError, match="no member of staff"):
        call_command("reset_second_factor", "absent@tenantry.example")


def test_command_leaves_an_address_that_only_looks_alike(staff):
    """The upper-case forms of both letters are one."""
    User.objects.filter(pk=staff.user.pk).update(
        email="\u0131da@tenantry.example", email_key="\u0131da@tenantry.example"
    )
    other = User.objects.create_superuser(email="ida@tenantry.example", password=PASSWORD)

    call_command("reset_second_factor", other.email)

    assert second_factor.find_authenticator(staff.user) is not None


# ── Where it is required ─────────────────────────────────────────────────────────────────────


def test_without_the_setting_a_password_is_enough(staff, settings):
    settings.STAFF_SECOND_FACTOR = False

    assert is_open(open_password_browser(staff.user))


def test_second_factor_is_required_unless_development_switches_it_off(monkeypatch):
    monkeypatch.delenv("STAFF_SECOND_FACTOR")

    assert Environment(environment="production").staff_second_factor
    assert Environment(environment="development").staff_second_factor
    assert not Environment(environment="development", staff_second_factor=False).staff_second_factor


def test_production_refuses_to_switch_it_off():
    with pytest.raises(ValueError, match="production always requires it"):
        Environment(environment="production", staff_second_factor=False)
