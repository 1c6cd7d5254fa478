"""Enrol and check the second factor of staff, an authenticator app or a recovery code."""

from typing import Final

import django_otp
import segno
import structlog
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

log = structlog.get_logger(__name__)

DEVICE_NAME: Final = "authenticator"
RECOVERY_CODE_COUNT: Final = 10
# 80 bits: random_token of the library has 40.
RECOVERY_CODE_PARTS: Final = 2
QR_SCALE: Final = 5


def find_authenticator(user: AbstractBaseUser) -> TOTPDevice | None:
    """Return the authenticator app that a member of staff has enrolled."""
    return TOTPDevice.objects.devices_for_user(user, confirmed=True).first()


@transaction.atomic
def start_enrolment(user: AbstractBaseUser) -> TOTPDevice:
    """Return the authenticator to confirm, with one secret for each person until then."""
    _lock_user(user)
    device, _ = TOTPDevice.objects.get_or_create(user=user, name=DEVICE_NAME, confirmed=False)
    return device


@transaction.atomic
def confirm_enrolment(user: AbstractBaseUser, code: str) -> tuple[TOTPDevice, list[str]] | None:
    """Confirm the authenticator with its first code and return it with new recovery codes.

    Returns None for a wrong code, and when an authenticator was enrolled in the meantime.
    """
    _lock_user(user)
    if find_authenticator(user) is not None:
        return None
    device = TOTPDevice.objects.filter(user=user, name=DEVICE_NAME, confirmed=False).first()
    if device is None or not device.verify_token(normalize_code(code)):
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    log.info("staff_second_factor_enrolled", user_id=str(user.pk))
    return device, create_recovery_codes(user)


@transaction.atomic
def create_recovery_codes(user: AbstractBaseUser) -> list[str]:
    """Replace a person's recovery codes and return the new ones, to be shown once."""
    _lock_user(user)
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = [_create_recovery_code() for _ in range(RECOVERY_CODE_COUNT)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return [f"{code[:8]}-{code[8:]}" for code in codes]


def count_recovery_codes(user: AbstractBaseUser) -> int:
    """Return how many recovery codes are unused."""
    return int(StaticToken.objects.filter(device__user=user).count())


def check_code(user: AbstractBaseUser, code: str) -> TOTPDevice | StaticDevice | None:
    """Return the device that accepts a code, which is then spent.

    Each device waits twice as long after every further wrong code, from any client.
    """
    normalized = normalize_code(code)
    device = (
        find_authenticator(user)
        if normalized.isdigit()
        else StaticDevice.objects.filter(user=user, confirmed=True).first()
    )
    if device is None:
        return None
    verified = django_otp.verify_token(user, device.persistent_id, normalized)
    if verified is None:
        log.warning("staff_second_factor_refused", user_id=str(user.pk))
    elif isinstance(verified, StaticDevice):
        log.warning("staff_recovery_code_used", user_id=str(user.pk))
    return verified


@transaction.atomic
def reset_second_factor(user: AbstractBaseUser) -> None:
    """Remove authenticator and recovery codes, so that the next sign-in enrols again."""
    _lock_user(user)
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    log.warning("staff_second_factor_reset", user_id=str(user.pk))


def draw_qr_code(device: TOTPDevice) -> str:
    """Return the QR code of an authenticator's secret as a data URI of an SVG image."""
    return segno.make(device.config_url).svg_data_uri(scale=QR_SCALE)


def normalize_code(code: str) -> str:
    """Return a code as it was shown, without spaces, hyphens and capitals."""
    return "".join(code.split()).replace("-", "").lower()


def _create_recovery_code() -> str:
    return "".join(StaticToken.random_token() for _ in range(RECOVERY_CODE_PARTS))


def _lock_user(user: AbstractBaseUser) -> None:
    get_user_model().objects.select_for_update().get(pk=user.pk)
