"""Check that only listed modules name the directory's vendor, so that a second one finds room."""

import io
import re
import tokenize
from pathlib import Path

from django.apps import apps

SRC = Path(__file__).parents[2] / "src"
VENDOR = re.compile("stytch", re.IGNORECASE)
FOLDER = "identity/directories/stytch/"
# Columns of replicas and the arguments that carry them; a second directory leaves them empty.
IDS = re.compile(
    r"\w*stytch_(?:org|organization|member)_ids?\b|\w*stytch_ids?\b|\w*stytch_member\b"
)
# What is left to move, or belongs where it is. A module that no longer names the vendor is removed
# from this list, and none is added without a reason.
ALLOWED = {
    "config/admin_site.py": "the sidebar of the admin",
    "config/development.py": "what runs on a developer's machine",
    "config/env.py": "the variables",
    "config/settings.py": "the settings",
    "identity/admin/people.py": "help for staff",
    "identity/actors.py": "the actor of a change at the vendor",
    "identity/directories/__init__.py": "which directory is in use",
    "identity/errors.py": "the detail of a refusal",
    "identity/handlers.py": "the vendor's event types",
    "identity/management/commands/make_development_staff.py": "whether the sandbox is in use",
    "identity/management/commands/promote_member.py": "help for operators",
    "identity/management/commands/pull_directory.py": "help for operators",
    "identity/roles.py": "the vendor's names of roles",
    "identity/serializers/sign_in.py": "help for front ends about the query of redirects",
    "identity/services/invitations.py": "calls roles.to_stytch",
    "identity/services/members.py": "calls roles.to_stytch",
    "identity/services/pending_changes.py": "a local name",
    "identity/sessions/sign_in.py": "a local name",
    "identity/sync/apply.py": "calls roles.from_stytch",
    "identity/sync/differences.py": "calls roles.from_stytch",
    "identity/sync/fetch.py": "calls roles.from_stytch, and what pull_directory prints",
    "identity/sync/invitations.py": "calls roles.from_stytch",
    "identity/sync/members.py": "calls roles.from_stytch",
    "kit/logs.py": "the form of the secrets that logs leave out",
    "tenancy/admin.py": "help for staff",
    "tenancy/management/commands/clone_tenant.py": "help for operators",
    "tenancy/management/commands/create_tenant.py": "help for operators",
    "tenancy/management/commands/delete_tenant.py": "help for operators",
    "webhooks/inbound/management/commands/replay_inbound.py": "help for operators",
}


def list_code_naming_the_vendor():
    """Yield path and line of each token of code that names the vendor; prose does not count."""
    for path in sorted(SRC.rglob("*.py")):
        place = str(path.relative_to(SRC))
        if place.startswith(FOLDER) or "/migrations/" in place:
            continue
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            is_prose = token.type == tokenize.COMMENT or token.string.startswith('"""')
            if not is_prose and VENDOR.search(IDS.sub("", token.string)):
                yield place, token.start[0], token.string


def test_only_listed_modules_name_the_vendor_in_code():
    found = [one for one in list_code_naming_the_vendor() if one[0] not in ALLOWED]

    assert found == []


def test_each_listed_module_still_names_the_vendor():
    assert {place for place, *_ in list_code_naming_the_vendor()} >= ALLOWED.keys()


def test_no_table_demands_an_id_of_the_vendor():
    demanded = [
        str(field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if VENDOR.search(field.name) and not field.null
    ]

    assert demanded == []
