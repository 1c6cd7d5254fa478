"""Admin pages for jobs, groups and staff sign-ins, whose tables belong to libraries."""

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob
from unfold.admin import TabularInline

from kit.admin.base import BaseAdmin, ReadOnly, format_actor, format_structured, state_badge
from kit.jobs import ACTOR_ARGUMENT
from kit.staff import second_factor

for model in (
    Group, AccessAttempt, AccessFailureLog, AccessLog, ProcrastinateJob, TOTPDevice, StaticDevice,
):  # fmt: skip
    admin.site.unregister(model)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, BaseAdmin):
    """Rights that several members of staff share."""


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnly):
    """Wrong passwords since the last right one. To lift a lock, delete its row."""

    list_display = ("username", "ip_address", "failures_since_start", "attempt_time")
    search_fields = ("username", "ip_address")
    # Not what was posted: the form's fields are no one's business.
    fields = ("username", "ip_address", "failures_since_start", "attempt_time", "user_agent")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow deletion to those who may lift the lock that way."""
        return super(ReadOnly, self).has_delete_permission(request, obj)  # type: ignore[no-any-return]


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnly):
    """When staff signed in and out."""

    list_display = ("username", "ip_address", "attempt_time", "logout_time")
    list_filter = ("attempt_time",)
    search_fields = ("username", "ip_address")
    fields = ("username", "ip_address", "attempt_time", "logout_time", "user_agent")


@admin.register(TOTPDevice)
class SecondFactorAdmin(ReadOnly):
    """Second factors of staff. To let a person set up a new one, delete the row."""

    list_display = ("user_email", "confirmed", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-created_at",)
    # Not the secret, which would let a reader of the page sign in as that person.
    fields = readonly_fields = (
        "user_email", "confirmed", "created_at", "last_used_at", "throttling_failure_count",
    )  # fmt: skip

    @admin.display(description="staff", ordering="user__email")
    def user_email(self, device: TOTPDevice) -> str:
        """Return the address of the account."""
        return str(device.user.get_username())

    def heading(self, row: TOTPDevice) -> str:
        """Return the address of the account."""
        return self.user_email(row)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Allow removal to superusers, because the next sign-in then needs the password only."""
        return bool(request.user.is_superuser)

    def delete_model(self, request: HttpRequest, obj: TOTPDevice) -> None:  # noqa: ARG002
        """Remove the recovery codes with the authenticator."""
        second_factor.reset_second_factor(obj.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Remove the recovery codes with each authenticator."""
        for device in queryset.select_related("user"):
            self.delete_model(request, device)


class Events(TabularInline):  # type: ignore[misc]  # unfold ships no types
    """What happened to a job so far."""

    model = ProcrastinateEvent
    fields = readonly_fields = ("type", "at")
    ordering = ("at",)
    verbose_name_plural = "what happened"
    can_delete = False
    extra = 0
    show_title = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        """Return False, because only the queue writes."""
        return False

    has_change_permission = has_add_permission


@admin.register(ProcrastinateJob)
class JobAdmin(ReadOnly):
    """Show the job queue and let staff run failed jobs again."""

    list_display = ("id", "task_name", "state", "queue_name", "attempts", "scheduled_at")
    list_filter = ("status", "queue_name", "task_name")
    search_fields = ("=id", "=task_name")
    search_help_text = "The number of a job, or the whole name of its task."
    ordering = ("-id",)
    actions = ("run_again",)
    fields = readonly_fields = (
        "task_name", "status", "arguments", "deferred_by", "queue_name", "attempts", "scheduled_at",
        "lock", "queueing_lock",
    )  # fmt: skip
    inlines = (Events,)
    state = state_badge("status")

    @admin.display(description="arguments")
    def arguments(self, job: ProcrastinateJob) -> SafeString:
        """Return the arguments the task is called with."""
        return format_structured(
            {key: value for key, value in job.args.items() if key != ACTOR_ARGUMENT}
        )

    @admin.display(description="deferred by")
    def deferred_by(self, job: ProcrastinateJob) -> str:
        """Return who caused the job."""
        return format_actor(job.args.get(ACTOR_ARGUMENT) or {})

    @admin.action(description="Run again (failed jobs)", permissions=["retry"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]) -> None:
        """Put failed jobs back into the queue."""
        failed = queryset.filter(status="failed")
        for job in failed:
            app.job_manager.retry_job_by_id(
                job.pk, timezone.now(), job.priority, job.queue_name, job.lock
            )
        self.message_user(request, f"{len(failed)} jobs will run again.", messages.SUCCESS)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Allow a retry to those who may change jobs."""
        return request.user.has_perm("procrastinate.change_procrastinatejob")

    def heading(self, row: ProcrastinateJob) -> str:
        """Return the job's number, because its own text is all of its arguments."""
        return f"{row.pk}: {row.task_name}"
