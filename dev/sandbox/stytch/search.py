"""Search members and organizations with Stytch's filters, limits and cursors."""

import base64
from collections.abc import Callable, Iterable

from sandbox.store import Document
from sandbox.stytch import organizations
from sandbox.stytch.errors import StytchError
from sandbox.world import World

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100

type Test = Callable[[Document], bool]


def build_member_test(name: str, value: object) -> Test:
    """Build the test of one member filter."""
    within = {
        "member_ids": "member_id",
        "member_emails": "email_address",
        "statuses": "status",
        "member_phone_numbers": "mfa_phone_number",
    }
    fuzzy = {
        "member_email_fuzzy": "email_address",
        "member_phone_number_fuzzy": "mfa_phone_number",
    }
    if name in within:
        wanted = {text.lower() for text in read_text_list(name, value)}
        return lambda member: str(member[within[name]]).lower() in wanted
    if name in fuzzy:
        part = read_fragment(name, value)
        return lambda member: part in str(member[fuzzy[name]]).lower()
    if name == "member_is_breakglass":
        return lambda member: member["is_breakglass"] is value
    if name == "member_roles":
        wanted = set(read_text_list(name, value))
        return lambda member: any(role["role_id"] in wanted for role in member["roles"])
    raise StytchError("bad_request", f"Unknown filter_name {name!r}.")


def build_organization_test(name: str, value: object) -> Test:
    """Build the test of one filter on an organization's own fields."""
    within = {"organization_ids": "organization_id", "organization_slugs": "organization_slug"}
    fuzzy = {
        "organization_name_fuzzy": "organization_name",
        "organization_slug_fuzzy": "organization_slug",
    }
    lists = {
        "allowed_domains": "email_allowed_domains",
        "claimed_email_domains": "claimed_email_domains",
    }
    if name in within:
        wanted = {text.lower() for text in read_text_list(name, value)}
        return lambda found: found[within[name]].lower() in wanted
    if name in fuzzy:
        part = read_fragment(name, value)
        return lambda found: part in found[fuzzy[name]].lower()
    if name in lists:
        domains = {text.lower() for text in read_text_list(name, value)}
        return lambda found: any(domain.lower() in domains for domain in found[lists[name]])
    if name == "allowed_domain_fuzzy":
        part = read_fragment(name, value)
        return lambda found: any(part in domain for domain in found["email_allowed_domains"])
    if name == "has_active_sso_connection":
        return lambda found: bool(found["sso_active_connections"]) is value
    raise StytchError("bad_request", f"Unknown filter_name {name!r}.")


def read_text_list(name: str, value: object) -> list[str]:
    """Return a filter's list of strings, or refuse another value."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise StytchError("bad_request", f"{name} needs a list of strings.")
    return value


def read_fragment(name: str, value: object) -> str:
    """Return the text of a fuzzy filter, or refuse less than three characters."""
    if not isinstance(value, str) or len(value) < 3:
        raise StytchError("bad_request", f"{name} needs at least three characters.")
    return value.lower()


def filter_documents(
    documents: Iterable[Document], query: Document | None, test: Callable[[str, object], Test]
) -> list[Document]:
    """List the documents that match all operands of a query, or any for OR."""
    operands = (query or {}).get("operands", [])
    tests = [test(o.get("filter_name", ""), o.get("filter_value")) for o in operands]
    operator = str((query or {}).get("operator", "AND")).upper()
    if operator not in {"AND", "OR"}:
        raise StytchError("bad_request", "operator must be AND or OR.")
    if not tests:
        return list(documents)
    combine = all if operator == "AND" else any
    return [document for document in documents if combine(ask(document) for ask in tests)]


def is_status_filtered(query: Document | None) -> bool:
    """Return whether a query filters by status.

    Without such a filter a search leaves deleted members out.
    """
    return any(o.get("filter_name") == "statuses" for o in (query or {}).get("operands", []))


def build_member_aware_test(world: World, query: Document | None) -> Callable[[str, object], Test]:
    """Return a builder of organization filters that includes filters on members.

    Members are loaded once, and only when the query filters by their addresses.
    """
    operands = (query or {}).get("operands", [])
    filters = {o.get("filter_name") for o in operands} & {"member_emails", "member_email_fuzzy"}
    searched = world.store.list_documents("stytch.member") if filters else []

    def test(name: str, value: object) -> Test:
        if name not in {"member_emails", "member_email_fuzzy"}:
            return build_organization_test(name, value)
        is_match = build_member_test(name, value)
        ids = {m["organization_id"] for m in searched if m["status"] != "deleted" and is_match(m)}
        return lambda found: found["organization_id"] in ids

    return test


def search_organizations(world: World, query: Document | None) -> list[Document]:
    """List the organizations that match a query."""
    listed = world.store.list_documents(organizations.KIND)
    return filter_documents(listed, query, build_member_aware_test(world, query))


def build_search_page(
    found: list[Document], *, cursor: str | None, limit: int | None
) -> tuple[list[Document], Document]:
    """Return one page and the metadata with the total and the next cursor."""
    size = DEFAULT_LIMIT if limit is None else limit
    if not 1 <= size <= MAX_LIMIT:
        raise StytchError("bad_request", "limit must be between 1 and 1000.")
    start = read_position(cursor)
    after = start + size
    following = base64.urlsafe_b64encode(str(after).encode()).decode()
    more = following if after < len(found) else None
    return found[start:after], {"total": len(found), "next_cursor": more}


def read_position(cursor: str | None) -> int:
    """Decode the cursor into the index where a page begins."""
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()))
    except ValueError as error:
        raise StytchError("bad_request", "The cursor is not valid.") from error
