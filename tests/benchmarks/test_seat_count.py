"""Measure each statement of the seat count in organizations of three sizes."""

import json
import secrets
import time

import pytest
from django.db import connection, transaction

from billing.models import Plan
from billing.seats import snapshot
from tenancy.services import organizations

pytestmark = pytest.mark.benchmark

REPEATS = 3
PENDING_INVITATIONS = 200
MAX_COUNT_SECONDS = 2

USERS = """
INSERT INTO identity_user (id, password, is_superuser, created_at, updated_at, email,
    email_verified, last_used_email, name, avatar_url, timezone, is_active, is_staff)
SELECT gen_random_uuid(), '', false, now(), now(), 'user' || n || '@' || %(slug)s || '.example',
    false, '', '', '', 'UTC', true, false
FROM generate_series(1, %(members)s) AS n
"""
MEMBERS = """
INSERT INTO identity_member (id, created_at, updated_at, organization_id, user_id,
    stytch_member_id, email, email_verified, name, role, status, readmitted_session_id)
SELECT gen_random_uuid(), now(), now(), %(organization)s, id,
    'member-test-' || id, email, true, '', 'member', 'active', ''
FROM identity_user WHERE email LIKE '%%@' || %(slug)s || '.example'
"""
INVITATIONS = """
INSERT INTO identity_invitation (id, created_at, updated_at, organization_id, stytch_member_id,
    email, name, role, status, sent_at, expires_at)
SELECT gen_random_uuid(), now(), now(), %(organization)s, 'member-test-' || gen_random_uuid(),
    'new' || n || '@' || %(slug)s || '.example', '', 'member', 'pending', now(),
    now() + interval '7 days'
FROM generate_series(1, %(invitations)s) AS n
"""


def fill_organization(members):
    slug = f"bench-{secrets.token_hex(4)}"
    with transaction.atomic():
        organization = organizations.create_organization(
            stytch_org_id=f"organization-test-{slug}", name="Bench", slug=slug
        )
    parameters = {
        "organization": organization.pk,
        "slug": slug,
        "members": members,
        "invitations": min(members, PENDING_INVITATIONS),
    }
    with connection.cursor() as cursor:
        for statement in (USERS, MEMBERS, INVITATIONS):
            cursor.execute(statement, parameters)
        cursor.execute("VACUUM ANALYZE identity_user, identity_member, identity_invitation")
    return organization


def explain_milliseconds(sql):
    """Return the shortest execution time of `sql` and the node types of its plan."""
    times = []
    with connection.cursor() as cursor:
        for _ in range(REPEATS):
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
            (answer,) = cursor.fetchone()
            explained = (json.loads(answer) if isinstance(answer, str) else answer)[0]
            times.append(explained["Execution Time"])
    return min(times), " > ".join(list_nodes(explained["Plan"]))


def list_nodes(plan):
    yield " ".join(filter(None, [plan["Node Type"], plan.get("Index Name")]))
    for child in plan.get("Plans", []):
        yield from list_nodes(child)


@pytest.mark.parametrize("members", [25, 100_000, 200_000])
def test_seat_count_stays_fast(committed, django_assert_max_num_queries, members):
    organization = fill_organization(members)
    plan = Plan(key="bench", name="Bench")

    with django_assert_max_num_queries(3) as captured:
        started = time.perf_counter()
        count = snapshot.count_seats(organization, plan)
        seconds = time.perf_counter() - started

    print(f"\n{members:,} members: {seconds * 1000:.1f} ms")
    for query in captured:
        milliseconds, nodes = explain_milliseconds(query["sql"])
        print(f"  {milliseconds:8.2f} ms  {nodes}")
    assert (count.counted, count.reserved) == (members, min(members, PENDING_INVITATIONS))
    assert seconds < MAX_COUNT_SECONDS
