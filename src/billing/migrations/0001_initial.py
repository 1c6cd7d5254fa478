from django.conf import settings
import billing.models.plans
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import kit.ids
from django.db import connection, migrations, models

ROLE = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenancy", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Feature",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("key", models.SlugField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=128)),
                ("description", models.CharField(blank=True, max_length=500)),
                (
                    "requires_premium",
                    models.BooleanField(
                        default=True,
                        help_text="Without it every organization has the feature, under any plan.",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="OrganizationBilling",
            fields=[],
            options={
                "verbose_name": "billing of an organization",
                "verbose_name_plural": "billing by organization",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("tenancy.organization",),
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("payment_failed", "Payment Failed"),
                            ("grace_ending", "Grace Ending"),
                            ("access_limited", "Access Limited"),
                            ("subscription_ended", "Subscription Ended"),
                            ("trial_ending", "Trial Ending"),
                            ("seats_over_limit", "Seats Over Limit"),
                            ("admin_lost", "Admin Lost"),
                            ("organization_suspended", "Organization Suspended"),
                            ("organization_restored", "Organization Restored"),
                        ],
                        max_length=32,
                    ),
                ),
                ("reference", models.CharField(max_length=100)),
                (
                    "recipients",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="How many addresses it went to."
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="NoticeMail",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "notice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to="billing.notice",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Plan",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("key", models.SlugField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=128)),
                ("description", models.CharField(blank=True, max_length=500)),
                (
                    "billable_roles",
                    models.JSONField(default=billing.models.plans.default_billable_roles),
                ),
                ("bills_invitations", models.BooleanField(default=False)),
                ("minimum_seats", models.PositiveIntegerField(default=1)),
                ("maximum_seats", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "addition_policy",
                    models.CharField(
                        choices=[("next_invoice", "Next Invoice"), ("invoice_now", "Invoice Now")],
                        default="next_invoice",
                        max_length=16,
                    ),
                ),
                (
                    "removal_policy",
                    models.CharField(
                        choices=[("credit", "Credit"), ("no_credit", "No Credit")],
                        default="credit",
                        max_length=16,
                    ),
                ),
                (
                    "drift_policy",
                    models.CharField(
                        choices=[("correct", "Correct"), ("report", "Report")],
                        default="correct",
                        max_length=16,
                    ),
                ),
                ("trial_days", models.PositiveIntegerField(default=0)),
                ("is_default", models.BooleanField(default=False)),
                ("is_public", models.BooleanField(default=True)),
                ("sort_order", models.IntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("minimum_seats__gte", 1)), name="plan_minimum_seats"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("maximum_seats", None),
                            ("maximum_seats__gte", models.F("minimum_seats")),
                            _connector="OR",
                        ),
                        name="plan_maximum_seats",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("is_default",),
                        name="plan_one_default",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PlanFeature",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("limit", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="plans",
                        to="billing.feature",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="features",
                        to="billing.plan",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("lookup_key", models.CharField(max_length=200)),
                (
                    "amount",
                    models.PositiveBigIntegerField(help_text="Minor units, per seat and interval."),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "interval",
                    models.CharField(choices=[("month", "Month"), ("year", "Year")], max_length=8),
                ),
                (
                    "usage",
                    models.CharField(
                        choices=[("licensed", "Licensed"), ("metered", "Metered")],
                        default="licensed",
                        max_length=16,
                    ),
                ),
                (
                    "addition_policy",
                    models.CharField(
                        blank=True,
                        choices=[("next_invoice", "Next Invoice"), ("invoice_now", "Invoice Now")],
                        help_text="When added seats are paid at this price. Without it the plan decides.",
                        max_length=16,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to="billing.plan",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Checkout",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("provider", models.CharField(max_length=32)),
                ("external_id", models.CharField(blank=True, max_length=255)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("creating", "Creating"),
                            ("open", "Open"),
                            ("paid", "Paid"),
                            ("closed", "Closed"),
                        ],
                        default="creating",
                        max_length=16,
                    ),
                ),
                ("quantity", models.PositiveIntegerField()),
                ("url", models.URLField(blank=True, max_length=2000)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "opened_by",
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="checkouts",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="checkouts",
                        to="billing.price",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ProviderPrice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("provider", models.CharField(max_length=32)),
                ("external_id", models.CharField(max_length=255)),
                ("external_product_id", models.CharField(blank=True, max_length=255)),
                ("is_active", models.BooleanField(default=True)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                (
                    "price",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provider_prices",
                        to="billing.price",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SeatChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("revision", models.PositiveBigIntegerField()),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("member_added", "Member Added"),
                            ("member_removed", "Member Removed"),
                            ("member_role_changed", "Member Role Changed"),
                            ("member_reactivated", "Member Reactivated"),
                            ("member_suspended", "Member Suspended"),
                            ("member_restored", "Member Restored"),
                            ("invitation_created", "Invitation Created"),
                            ("invitation_closed", "Invitation Closed"),
                            ("subscription_changed", "Subscription Changed"),
                            ("quantity_edited", "Quantity Edited"),
                            ("minimum_changed", "Minimum Changed"),
                            ("recounted", "Recounted"),
                        ],
                        max_length=32,
                    ),
                ),
                (
                    "subject_id",
                    models.UUIDField(blank=True, help_text="The member or invitation.", null=True),
                ),
                ("actor_kind", models.CharField(max_length=16)),
                ("actor_id", models.CharField(blank=True, max_length=128)),
                ("counted_before", models.PositiveIntegerField()),
                ("counted_after", models.PositiveIntegerField()),
                ("reserved_after", models.PositiveIntegerField(default=0)),
                ("target", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seat_changes",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-revision"],
            },
        ),
        migrations.CreateModel(
            name="SeatState",
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
                    "mode",
                    models.CharField(
                        choices=[("automatic", "Automatic"), ("manual", "Manual")],
                        default="automatic",
                        max_length=16,
                    ),
                ),
                (
                    "contract_seats",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("sends_contract", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("in_sync", "In Sync"),
                            ("pending", "Pending"),
                            ("failed", "Failed"),
                            ("held", "Held"),
                            ("drifted", "Drifted"),
                            ("over_limit", "Over Limit"),
                            ("misconfigured", "Misconfigured"),
                            ("manual", "Manual"),
                            ("none", "None"),
                        ],
                        default="none",
                        max_length=16,
                    ),
                ),
                ("revision", models.PositiveBigIntegerField(default=0)),
                ("counted", models.PositiveIntegerField(default=0)),
                ("reserved", models.PositiveIntegerField(default=0)),
                ("provider_quantity", models.PositiveIntegerField(blank=True, null=True)),
                ("dirty_since", models.DateTimeField(blank=True, null=True)),
                ("drifted_since", models.DateTimeField(blank=True, null=True)),
                ("failed_quantity", models.PositiveIntegerField(blank=True, null=True)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
                ("previewed_quantity", models.PositiveIntegerField(blank=True, null=True)),
                ("previewed_at", models.DateTimeField(blank=True, null=True)),
                ("last_synced_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, max_length=500)),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seats",
                        to="tenancy.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("provider", models.CharField(max_length=32)),
                ("external_id", models.CharField(max_length=255)),
                ("external_price_id", models.CharField(blank=True, max_length=255)),
                ("external_item_id", models.CharField(blank=True, max_length=255)),
                (
                    "seat_item",
                    models.CharField(
                        choices=[
                            ("found", "Found"),
                            ("missing", "Missing"),
                            ("several", "Several"),
                        ],
                        default="missing",
                        max_length=8,
                    ),
                ),
                ("status", models.CharField(max_length=32)),
                ("is_active", models.BooleanField(default=False)),
                ("quantity", models.PositiveIntegerField(blank=True, null=True)),
                ("paid_seats", models.PositiveIntegerField(blank=True, null=True)),
                ("purchased_seats", models.PositiveIntegerField(blank=True, null=True)),
                ("current_period_start", models.DateTimeField(blank=True, null=True)),
                ("current_period_end", models.DateTimeField(blank=True, null=True)),
                ("cancel_at_period_end", models.BooleanField(default=False)),
                ("cancel_at", models.DateTimeField(blank=True, null=True)),
                ("is_collection_paused", models.BooleanField(default=False)),
                ("trial_end", models.DateTimeField(blank=True, null=True)),
                (
                    "started_at",
                    models.DateTimeField(help_text="When it was created at the provider."),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("active_since", models.DateTimeField(blank=True, null=True)),
                ("inactive_since", models.DateTimeField(blank=True, null=True)),
                ("past_due_since", models.DateTimeField(blank=True, null=True)),
                ("is_surplus", models.BooleanField(default=False)),
                ("missing_since", models.DateTimeField(blank=True, null=True)),
                ("pulled_at", models.DateTimeField()),
                (
                    "current_for",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscription",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="billing.price",
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="SeatAttempt",
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
                    "revision",
                    models.PositiveBigIntegerField(help_text="The ledger is covered up to here."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("in_flight", "In Flight"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("superseded", "Superseded"),
                        ],
                        default="in_flight",
                        max_length=16,
                    ),
                ),
                ("quantity_before", models.PositiveIntegerField(null=True)),
                ("quantity", models.PositiveIntegerField()),
                ("quantity_returned", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "proration",
                    models.CharField(
                        choices=[
                            ("next_invoice", "Next Invoice"),
                            ("invoice_now", "Invoice Now"),
                            ("silent", "Silent"),
                        ],
                        max_length=16,
                    ),
                ),
                ("proration_date", models.DateTimeField(blank=True, null=True)),
                ("step", models.PositiveIntegerField(default=1)),
                ("calls", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.CharField(blank=True, max_length=500)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seat_attempts",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seat_attempts",
                        to="billing.subscription",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("provider", models.CharField(max_length=32)),
                ("external_id", models.CharField(max_length=255)),
                ("number", models.CharField(blank=True, max_length=64)),
                ("status", models.CharField(max_length=16)),
                ("total", models.BigIntegerField()),
                (
                    "tax",
                    models.BigIntegerField(
                        default=0, help_text="The part of the total that is tax."
                    ),
                ),
                (
                    "credited",
                    models.BigIntegerField(
                        default=0, help_text="What credit notes took off the invoice or gave back."
                    ),
                ),
                ("amount_due", models.BigIntegerField(default=0)),
                ("currency", models.CharField(max_length=3)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("issued_at", models.DateTimeField()),
                ("hosted_url", models.URLField(blank=True, max_length=1000)),
                ("pdf_url", models.URLField(blank=True, max_length=1000)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="tenancy.organization",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="billing.subscription",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("provider", models.CharField(blank=True, max_length=32)),
                ("external_id", models.CharField(blank=True, max_length=255)),
                ("generation", models.PositiveIntegerField(default=0)),
                ("billing_name", models.CharField(blank=True, max_length=256)),
                ("billing_email", models.EmailField(blank=True, max_length=320)),
                ("billing_address_line1", models.CharField(blank=True, max_length=256)),
                ("billing_address_line2", models.CharField(blank=True, max_length=256)),
                ("billing_city", models.CharField(blank=True, max_length=128)),
                ("billing_state", models.CharField(blank=True, max_length=128)),
                ("billing_postal_code", models.CharField(blank=True, max_length=32)),
                ("billing_country", models.CharField(blank=True, max_length=2)),
                ("vat_id", models.CharField(blank=True, max_length=32)),
                (
                    "vat_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending", "Pending"),
                            ("verified", "Verified"),
                            ("unverified", "Unverified"),
                            ("unavailable", "Unavailable"),
                        ],
                        max_length=16,
                    ),
                ),
                ("external_tax_id", models.CharField(blank=True, max_length=255)),
                (
                    "bought_by",
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
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customer",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("provider", "external_id"),
                        name="customer_external_id_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FeatureOverride",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("is_granted", models.BooleanField(default=True)),
                ("limit", models.PositiveIntegerField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(max_length=500)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="overrides",
                        to="billing.feature",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="feature_overrides",
                        to="tenancy.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "feature"), name="feature_override_unique"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                fields=("organization", "kind", "reference"), name="notice_sent_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="planfeature",
            constraint=models.UniqueConstraint(
                fields=("plan", "feature"), name="plan_feature_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="price",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("lookup_key",),
                name="price_lookup_key_unique",
            ),
        ),
        migrations.AddIndex(
            model_name="checkout",
            index=models.Index(fields=["organization", "state"], name="checkout_state"),
        ),
        migrations.AddConstraint(
            model_name="checkout",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("provider", "external_id"),
                name="checkout_external_id_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="providerprice",
            constraint=models.UniqueConstraint(
                fields=("provider", "external_id"), name="provider_price_external_id_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="providerprice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("price", "provider"),
                name="provider_price_one_active",
            ),
        ),
        migrations.AddConstraint(
            model_name="seatchange",
            constraint=models.UniqueConstraint(
                fields=("organization", "revision"), name="seat_change_revision_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="seatstate",
            index=models.Index(
                condition=models.Q(("dirty_since__isnull", False)),
                fields=["dirty_since"],
                name="seat_state_dirty",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                fields=("provider", "external_id"), name="subscription_external_id_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["canceled", "incomplete_expired"]), _negated=True),
                    ("is_surplus", False),
                ),
                fields=("organization",),
                name="subscription_one_live",
            ),
        ),
        migrations.AddIndex(
            model_name="seatattempt",
            index=models.Index(
                condition=models.Q(("state", "in_flight")),
                fields=["lease_until"],
                name="seat_attempt_lease",
            ),
        ),
        migrations.AddIndex(
            model_name="seatattempt",
            index=models.Index(fields=["organization", "revision"], name="seat_attempt_revision"),
        ),
        migrations.AddConstraint(
            model_name="seatattempt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "in_flight")),
                fields=("organization",),
                name="seat_attempt_one_in_flight",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(fields=["organization", "-issued_at", "-id"], name="invoice_list"),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                fields=("provider", "external_id"), name="invoice_external_id_unique"
            ),
        ),
        # Default privileges have granted everything on every new table.
        migrations.RunSQL(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON billing_seatchange FROM {ROLE}",
            reverse_sql=f"GRANT UPDATE, DELETE ON billing_seatchange TO {ROLE}",
        ),
    ]
