import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import kit.ids
from django.conf import settings
from django.db import connection, migrations, models

ROLE = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttemptCounter",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "scope",
                        "digest",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("scope", models.CharField(max_length=64)),
                ("digest", models.BinaryField(max_length=32)),
                ("attempts", models.PositiveIntegerField()),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="RevokedSession",
            fields=[
                ("session_id", models.CharField(max_length=128, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="SigningKeySet",
            fields=[
                ("directory", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("keys", models.JSONField()),
                ("fetched_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("email", models.EmailField(max_length=254)),
                (
                    "email_key",
                    kit.models.EmailKeyField(editable=False, max_length=512, source="email"),
                ),
                ("email_verified", models.BooleanField(default=False)),
                ("last_used_email", models.EmailField(blank=True, max_length=254)),
                (
                    "last_used_email_key",
                    kit.models.EmailKeyField(
                        editable=False, max_length=512, source="last_used_email"
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=255)),
                ("avatar_url", models.URLField(blank=True, max_length=500)),
                ("timezone", models.CharField(default="UTC", max_length=64)),
                ("is_active", models.BooleanField(default=True)),
                ("blocked_at", models.DateTimeField(blank=True, null=True)),
                ("is_staff", models.BooleanField(default=False)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("stytch_member_id", models.CharField(max_length=128, null=True, unique=True)),
                ("email", models.EmailField(max_length=254)),
                (
                    "email_key",
                    kit.models.EmailKeyField(editable=False, max_length=512, source="email"),
                ),
                ("email_verified", models.BooleanField(default=False)),
                ("name", models.CharField(blank=True, max_length=255)),
                (
                    "role",
                    models.CharField(
                        choices=[("admin", "Admin"), ("member", "Member"), ("viewer", "Viewer")],
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("active", "Active"),
                            ("suspended", "Suspended"),
                            ("removed", "Removed"),
                        ],
                        max_length=16,
                    ),
                ),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                ("proved_at", models.DateTimeField(blank=True, null=True)),
                ("email_changed_at", models.DateTimeField(blank=True, null=True)),
                ("suspended_at", models.DateTimeField(blank=True, null=True)),
                ("sessions_ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "readmitted_session_id",
                    models.CharField(blank=True, editable=False, max_length=128),
                ),
                (
                    "merge_conflict_with",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("stytch_member_id", models.CharField(max_length=128, null=True)),
                ("email", models.EmailField(max_length=254)),
                (
                    "email_key",
                    kit.models.EmailKeyField(editable=False, max_length=512, source="email"),
                ),
                ("name", models.CharField(blank=True, max_length=255)),
                (
                    "role",
                    models.CharField(
                        choices=[("admin", "Admin"), ("member", "Member"), ("viewer", "Viewer")],
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("pending", "Pending"),
                            ("accepted", "Accepted"),
                            ("revoked", "Revoked"),
                            ("expired", "Expired"),
                            ("refused", "Refused"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                (
                    "sent_at",
                    models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True),
                ),
                ("expires_at", models.DateTimeField()),
                ("claimed_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "refusal",
                    models.CharField(
                        blank=True, help_text="The code of the refusal.", max_length=64
                    ),
                ),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("changed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("compared_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invitations",
                        to="identity.member",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MissingAdmin",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("detected_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="missing_admins",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "organization without an admin",
                "verbose_name_plural": "organizations without an admin",
            },
        ),
        migrations.CreateModel(
            name="PendingChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("rename_organization", "Rename Organization"),
                            ("change_security", "Change Security"),
                            ("invite", "Invite"),
                            ("resend", "Resend"),
                            ("revoke", "Revoke"),
                            ("change_role", "Change Role"),
                            ("remove", "Remove"),
                            ("reactivate", "Reactivate"),
                        ],
                        max_length=24,
                    ),
                ),
                ("subject", models.CharField(max_length=600)),
                ("actor", models.JSONField(default=dict)),
                ("role_before", models.CharField(blank=True, max_length=16)),
                ("role", models.CharField(blank=True, max_length=16)),
                ("details", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("done", "Done"),
                            ("refused", "Refused"),
                            ("lapsed", "Lapsed"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenancy.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SecuritySettings",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("allowed_domains", models.JSONField(default=list)),
                (
                    "invitations",
                    models.CharField(
                        choices=[
                            ("all", "All"),
                            ("allowed_domains", "Allowed Domains"),
                            ("none", "None"),
                        ],
                        default="all",
                        max_length=16,
                    ),
                ),
                ("just_in_time_joining", models.BooleanField(default=False)),
                (
                    "mfa_policy",
                    models.CharField(
                        choices=[("optional", "Optional"), ("required", "Required")],
                        default="optional",
                        max_length=16,
                    ),
                ),
                ("allowed_sign_in_methods", models.JSONField(blank=True, null=True)),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                ("removal_is_final", models.BooleanField(default=False)),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="security_settings",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SupportAccess",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("reason", models.CharField(max_length=500)),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="support_accesses",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="support_accesses",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "support access",
                "verbose_name_plural": "support access",
            },
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["email_key"], name="user_email"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("is_active", False)),
                fields=["last_used_email_key"],
                name="user_blocked_email",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                condition=models.Q(("email_verified", True), ("is_staff", False)),
                fields=("email_key",),
                name="user_verified_email_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_staff", True)),
                fields=("email_key",),
                name="user_staff_email_once",
            ),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(fields=["organization", "created_at", "id"], name="member_page"),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(fields=["organization", "email_key"], name="member_email"),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(
                condition=models.Q(("status", "active")),
                fields=["organization", "role", "user"],
                name="member_seats",
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "removed"), _negated=True),
                fields=("organization", "user"),
                name="member_once_per_organization",
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["admin", "member", "viewer"])),
                name="member_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending", "active", "suspended", "removed"])),
                name="member_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(("status", "removed"), ("removed_at", None), _connector="XOR"),
                name="member_removed_at_when_removed",
            ),
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(fields=["organization", "created_at", "id"], name="invitation_page"),
        ),
        migrations.AddIndex(
            model_name="invitation",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["expires_at"],
                name="invitation_overdue",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ("queued", "pending"))),
                fields=("organization", "email_key"),
                name="invitation_one_pending_per_address",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "pending")),
                fields=("stytch_member_id",),
                name="invitation_one_pending_per_stytch_member",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["admin", "member", "viewer"])),
                name="invitation_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("status", "accepted"), ("accepted_at", None), _connector="XOR"),
                name="invitation_accepted_at_when_accepted",
            ),
        ),
        migrations.AddConstraint(
            model_name="missingadmin",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolved_at", None)),
                fields=("organization",),
                name="missing_admin_one_open",
            ),
        ),
        migrations.AddIndex(
            model_name="pendingchange",
            index=models.Index(
                condition=models.Q(("state", "open")),
                fields=["expires_at"],
                name="pending_change_stale",
            ),
        ),
        migrations.AddConstraint(
            model_name="pendingchange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("organization", "subject"),
                name="pending_change_one_open",
            ),
        ),
        migrations.AddIndex(
            model_name="supportaccess",
            index=models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["expires_at"],
                name="support_access_expiry",
            ),
        ),
        migrations.AddConstraint(
            model_name="supportaccess",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("organization", "staff"),
                name="support_access_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="supportaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="support_access_has_reason"
            ),
        ),
        # An increment per attempt need not survive a crash of the server.
        migrations.RunSQL(
            "ALTER TABLE identity_attemptcounter SET UNLOGGED",
            "ALTER TABLE identity_attemptcounter SET LOGGED",
        ),
        # Default privileges have granted everything on every new table.
        migrations.RunSQL(
            f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON identity_signingkeyset FROM {ROLE}",
            reverse_sql=f"GRANT INSERT, UPDATE, DELETE ON identity_signingkeyset TO {ROLE}",
        ),
    ]
