"""Configure the admin site, its name and its sidebar."""

from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse_lazy

type Item = dict[str, Any]

# unfold's pages are driven by Alpine, which compiles the expressions in their attributes.
CONTENT_SECURITY_POLICY: Final = {"script-src": ["'self'", "'unsafe-eval'"]}


def _build_item(title: str, model: str, icon: str) -> Item:
    app, name = model.split(".")

    def is_allowed(request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"{app}.view_{name}"))

    link = reverse_lazy(f"admin:{app}_{name}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": is_allowed}


def _build_group(title: str, *items: Item) -> Item:
    return {"title": title, "separator": True, "items": list(items)}


NAVIGATION: Final = [
    _build_group(
        "Organizations",
        _build_item("Organizations", "tenancy.organization", "apartment"),
        _build_item("Without an admin", "identity.missingadmin", "person_alert"),
        _build_item("Support access", "identity.supportaccess", "visibility"),
        _build_item("Schemas", "tenancy.tenantschema", "database"),
    ),
    _build_group(
        "People",
        _build_item("Users", "identity.user", "person"),
        _build_item("Members", "identity.member", "groups"),
        _build_item("Invitations", "identity.invitation", "mail"),
        _build_item("Changes to Stytch", "identity.pendingchange", "sync_alt"),
        _build_item("Ended sessions", "identity.revokedsession", "logout"),
    ),
    _build_group(
        "Billing",
        _build_item("By organization", "billing.organizationbilling", "monitoring"),
        _build_item("Subscriptions", "billing.subscription", "autorenew"),
        _build_item("Customers", "billing.customer", "contact_mail"),
        _build_item("Invoices", "billing.invoice", "receipt_long"),
        _build_item("Seats", "billing.seatstate", "event_seat"),
        _build_item("Seat changes", "billing.seatchange", "history"),
        _build_item("Seat attempts", "billing.seatattempt", "outgoing_mail"),
        _build_item("Notices", "billing.notice", "notifications"),
    ),
    _build_group(
        "Catalogue",
        _build_item("Plans", "billing.plan", "sell"),
        _build_item("Prices", "billing.price", "payments"),
        _build_item("Features", "billing.feature", "extension"),
        _build_item("Overrides", "billing.featureoverride", "tune"),
    ),
    _build_group("Vendor events", _build_item("Inbound events", "inbound.inboundevent", "webhook")),
    _build_group("Jobs", _build_item("Jobs", "procrastinate.procrastinatejob", "manufacturing")),
    _build_group(
        "Staff",
        _build_item("Groups", "auth.group", "badge"),
        _build_item("Sign-ins", "axes.accesslog", "login"),
        _build_item("Wrong passwords and codes", "axes.accessattempt", "lock"),
        _build_item("Second factors", "otp_totp.totpdevice", "phonelink_lock"),
    ),
]


def dashboard(_request: HttpRequest, context: Item) -> Item:
    """Show the front page with the sidebar's groups instead of Django's list of apps."""
    known = {model["admin_url"]: model for app in context["app_list"] for model in app["models"]}
    groups = []
    for group in NAVIGATION:
        models = [
            known[str(item["link"])] | {"name": item["title"]}
            for item in group["items"]
            if str(item["link"]) in known
        ]
        if models:
            address = models[0]["admin_url"]
            groups.append({"name": group["title"], "app_url": address, "models": models})
    return context | {"title": "Tenantry", "app_list": groups}


UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "Tenantry",
    "SITE_HEADER": "Tenantry",
    "SITE_SUBHEADER": "Support and operations",
    "SITE_SYMBOL": "domain",
    "SITE_URL": None,  # there is no site to view, only an API
    "SITE_FAVICONS": [{"rel": "icon", "href": lambda _request: "data:,"}],
    "DASHBOARD_CALLBACK": "config.admin_site.dashboard",
    "ACCOUNT": {
        "navigation": [
            {"title": "Recovery codes", "link": reverse_lazy("admin:recovery_codes")},
        ]
    },
    "SIDEBAR": {"show_search": True, "navigation": NAVIGATION},
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(62.3% .214 259.8)",
            "600": "oklch(54.6% .245 262.9)",
            "700": "oklch(48.8% .243 264.4)",
            "800": "oklch(42.4% .199 265.6)",
            "900": "oklch(37.9% .146 265.5)",
            "950": "oklch(28.2% .091 267.9)",
        }
    },
}
