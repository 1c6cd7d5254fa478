"""Give the generated contract tests what they need to call the audit trail."""

NAMES = {("events", "id"): "event_id"}
FOREIGN_FILTERS = {
    ("events_list", "actor"): "member_id",
    ("events_list", "target"): "invitation_id",
}
SHARED_FILTERS = {"type", "since", "until"}


def make_owned(organization, api, front_end):
    """Return the newest event of an organization."""
    events = api.get(f"{organization.path}/events", token=organization.admin.token).json()[
        "results"
    ]
    return {"event_id": events[0]["id"]}
