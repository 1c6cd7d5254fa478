"""Check that only a provider's own folder knows its name."""

import re
from pathlib import Path

from billing import providers

SRC = Path(__file__).parents[2] / "src"
# The registry, the settings, migrations, what scans logs for keys, and examples of sources.
KNOWN_PLACES = (
    "billing/providers/",
    "config/",
    "kit/logs.py",
    "identity/management/commands/make_development_staff.py",
    "webhooks/inbound/management/commands/replay_inbound.py",
    "webhooks/inbound/registry.py",
)


def test_no_module_outside_a_providers_folder_names_a_provider():
    names = re.compile("|".join(providers.PACKAGES), re.IGNORECASE)
    found = [
        f"{path.relative_to(SRC)}:{number}"
        for path in sorted(SRC.rglob("*.py"))
        if not str(path.relative_to(SRC)).startswith(KNOWN_PLACES)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if names.search(line.replace("docs.stripe.com", ""))
    ]

    assert found == []
