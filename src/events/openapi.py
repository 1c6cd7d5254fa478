"""How the OpenAPI document names and describes what this app serves. Plain values only."""

TAGS = {
    "events": "The audit trail: who changed what, when and from where.",
    "event_types": "The kinds of change the audit trail records.",
}
ENUM_NAMES = {
    "ActorKind": "events.serializers.ACTOR_KINDS",
    "EventFamily": "events.serializers.FAMILIES",
}
