"""Django's settings in one file, which environments change by variables only."""

from typing import Any
from urllib.parse import urlsplit

from corsheaders.defaults import default_headers

from config import admin_site, databases, development, mail, openapi
from config.env import ROOT, read_environment
from kit import logs
from kit.drf_settings import REST, SPECTACULAR

ENV = read_environment()

VERSION = "0.1.0"  # as in pyproject.toml, which an image does not contain

# ── The process ──────────────────────────────────────────────────────────────────────────────
BASE_DIR = ROOT
SECRET_KEY = ENV.secret_key
ENVIRONMENT = ENV.environment
DEBUG = False  # never: problems are answered alike everywhere, and logs tell the rest
PUBLIC_URL = ENV.public_url.rstrip("/")
PROBLEM_TYPE_BASE = f"{PUBLIC_URL}/docs/errors#"
ALLOWED_HOSTS = [*ENV.allowed_hosts, urlsplit(PUBLIC_URL).hostname or ""]
if not ENV.is_production:
    ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"
USE_TZ = True
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
TRUSTED_PROXIES = ENV.trusted_proxies

# ── Apps: wholly public or wholly per organization ───────────────────────────────────────────
LOCAL_APPS = ["kit", "webhooks.inbound", "tenancy", "identity", "billing"]
SHARED_APPS = [
    "unfold.apps.BasicAppConfig",  # before all who bring admin templates of their own
    "kit.staff.apps.StaffAdminConfig",  # Django's admin, with our site class
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "corsheaders",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *LOCAL_APPS,
    "django_tenants",  # after tenancy, whose commands replace those of the same name
]
TENANT_APPS = ["events"]
INSTALLED_APPS = SHARED_APPS + TENANT_APPS
TENANT_MODEL = "tenancy.Organization"
TENANT_LIMIT_SET_CALLS = False  # with it, a stray SET let one organization read another's rows
AUTH_USER_MODEL = "identity.User"
# Only verified addresses are unique (a customer's directory may assert anything), and the admin's
# password form looks among staff alone, whose addresses are.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
TASK_SCOPE = "tenancy.routing.public"
ORGANIZATION_SCOPE = "tenancy.views.OrganizationScope"  # for apps below tenancy
FEATURE_GATE = "billing.entitlements.entitlements.require_feature"  # for apps below billing

# ── Database ─────────────────────────────────────────────────────────────────────────────────
DATABASES = {"default": databases.parse_database_url(ENV.process_database_url)}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
OWNS_DATABASE = ENV.process == "owner"
DATABASE_WEB_ROLE = databases.parse_database_url(ENV.database_url)["USER"]
SPARE_SCHEMAS = ENV.spare_schemas
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"
WORKER_POLL_SECONDS = ENV.worker_poll_seconds
JOB_DELAY_SCALE = ENV.job_delay_scale  # below one only where tests cannot wait

# ── Requests ─────────────────────────────────────────────────────────────────────────────────
MIDDLEWARE = [
    "kit.middleware.RequestId",
    "tenancy.middleware.ResetSchemaMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "config.middleware.staff_policy",
    "corsheaders.middleware.CorsMiddleware",
    "kit.middleware.BodyLimit",  # a page of another origin may read its refusals, too
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
REST_FRAMEWORK: dict[str, Any] = {
    **REST,
    "DEFAULT_AUTHENTICATION_CLASSES": ["identity.authentication.SessionToken"],
    "DEFAULT_PERMISSION_CLASSES": [
        "identity.authorization.DeclaredAccess",
        "billing.authorization.DeclaredFeature",
    ],
}
SPECTACULAR_SETTINGS = {
    **SPECTACULAR,
    **openapi.collect(LOCAL_APPS + TENANT_APPS),
    "VERSION": VERSION,
}
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_CLIENT_IP_CALLABLE = "kit.lockout.get_client_address"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 1  # hour
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# Not the model's `email`: with it, attempts were counted under one name and looked up under another.
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "kit.lockout.get_username"
AXES_HANDLER = "kit.lockout.LockoutHandler"
AXES_LOCKOUT_CALLABLE = "kit.lockout.render_lockout"
STAFF_SECOND_FACTOR = ENV.staff_second_factor
OTP_TOTP_ISSUER = "Tenantry"
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 1  # seconds, doubled by each wrong code
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CORS_ALLOWED_ORIGINS = list(ENV.browser_origins)
CORS_URLS_REGEX = r"^/v1/.*$"
CORS_ALLOW_HEADERS = [*default_headers, "traceparent", "x-request-id"]
CORS_EXPOSE_HEADERS = ["Retry-After", "X-Request-Id"]
FRONTEND_ORIGINS = ENV.browser_origins
AUTH_REDIRECT_URL = ENV.auth_redirect_url
SIGN_IN_RATE_PER_MAILBOX = ENV.sign_in_rate_per_mailbox
SIGN_IN_RATE_PER_CLIENT_ADDRESS = ENV.sign_in_rate_per_client_address
INVITATIONS_PER_ORGANIZATION_PER_DAY = ENV.invitations_per_organization_per_day
INVITATIONS_PER_ADDRESS_PER_DAY = ENV.invitations_per_address_per_day

# ── Pages for people: admin and API docs ─────────────────────────────────────────────────────
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
UNFOLD = admin_site.UNFOLD
DEVELOPMENT_LINKS = development.list_links(ENV)  # on the page at /
DOCS_NOTE = development.write_docs_note(ENV)
STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "build" / "static" if ENV.is_production else None  # elsewhere: the finders
WHITENOISE_USE_FINDERS = not ENV.is_production
WHITENOISE_AUTOREFRESH = not ENV.is_production  # and found when asked for, not listed at each start

# ── Transport security ───────────────────────────────────────────────────────────────────────
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}
if ENV.is_production:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^webhooks/"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# ── Vendors ──────────────────────────────────────────────────────────────────────────────────
STYTCH_PROJECT_ID = ENV.stytch_project_id
STYTCH_SECRET = ENV.stytch_secret
STYTCH_PUBLIC_TOKEN = ENV.stytch_public_token
STYTCH_BASE_URL = ENV.stytch_base_url
STYTCH_WEBHOOK_SECRET = ENV.stytch_webhook_secret
BILLING_PROVIDERS = ENV.billing_providers
STRIPE_SECRET_KEY = ENV.stripe_secret_key
STRIPE_BASE_URL = ENV.stripe_base_url
STRIPE_WEBHOOK_SECRET = ENV.stripe_webhook_secret

# ── Mail to customers ────────────────────────────────────────────────────────────────────────
BILLING_NOTICES = ENV.billing_notices
STAFF_ALERT_ADDRESSES = ENV.staff_alert_addresses
MAILERS = {"default": mail.parse_mail_url(ENV.email_url)}
DEFAULT_FROM_EMAIL = ENV.default_from_email
FRONTEND_BILLING_URL = ENV.frontend_billing_url

# ── Logs ─────────────────────────────────────────────────────────────────────────────────────
METRICS_TOKEN = ENV.metrics_token
METRICS_DIRECTORY = ENV.prometheus_multiproc_dir
LOGGING = logs.configure_logging(style=ENV.log_format, level=ENV.log_level)
LOGGING_CONFIG = None
