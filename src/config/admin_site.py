"""How the admin looks: its name, its sidebar, and what its pages may load."""

from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse_lazy

type Item = dict[str, Any]

# unfold's pages are driven by Alpine, which compiles the expressions in their attributes.
POLICY: Final = {"script-src": ["'self'", "'unsafe-eval'"]}


def _list(title: str, model: str, icon: str) -> Item:
    app, name = model.split(".")

    def is_allowed(request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"{app}.view_{name}"))

    link = reverse_lazy(f"admin:{app}_{name}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": is_allowed}


def _group(title: str, *items: Item) -> Item:
    return {"title": title, "separator": True, "items": list(items)}


NAVIGATION: Final = [
    _group(
        "Organizations",
        _list("Organizations", "tenancy.organization", "apartment"),
        _list("Schemas", "tenancy.tenantschema", "database"),
    ),
    _group(
        "People",
        _list("Users", "identity.user", "person"),
        _list("Members", "identity.member", "groups"),
        _list("Invitations", "identity.invitation", "mail"),
        _list("Changes to Stytch", "identity.intent", "sync_alt"),
        _list("External identities", "identity.externalidentity", "link"),
        _list("Ended sessions", "identity.revokedsession", "logout"),
    ),
    _group(
        "Billing",
        _list("Subscriptions", "billing.subscription", "autorenew"),
        _list("Customers", "billing.customer", "contact_mail"),
        _list("Invoices", "billing.invoice", "receipt_long"),
        _list("Seats", "billing.seatstate", "event_seat"),
        _list("Seat changes", "billing.seatchange", "history"),
        _list("Seat attempts", "billing.seatattempt", "outgoing_mail"),
    ),
    _group(
        "Catalogue",
        _list("Plans", "billing.plan", "sell"),
        _list("Prices", "billing.price", "payments"),
        _list("Features", "billing.feature", "extension"),
        _list("Overrides", "billing.featureoverride", "tune"),
    ),
    _group("Vendor events", _list("Inbound events", "inbound.inboundevent", "webhook")),
    _group("Jobs", _list("Jobs", "procrastinate.procrastinatejob", "manufacturing")),
    _group(
        "Staff",
        _list("Groups", "auth.group", "badge"),
        _list("Sign-ins", "axes.accesslog", "login"),
        _list("Wrong passwords", "axes.accessattempt", "lock"),
    ),
]


def dashboard(_request: HttpRequest, context: Item) -> Item:
    """The front page in the sidebar's words: Django's would speak of apps."""
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
