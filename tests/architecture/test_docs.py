"""The documentation speaks of what is there: variables, files, commands and our own words."""

import re
from urllib.parse import unquote

import pytest
import yaml
from django.core.management import get_commands
from procrastinate.contrib.django import app

from config.env import Environment
from sandbox.settings import VARIABLES
from tests.harness.plugin import ROOT
from webhooks.inbound import registry

DOCS = ROOT / "docs"
CONFIGURATION = DOCS / "guides" / "configuration.md"
CONTRACT = DOCS / "api" / "openapi.yaml"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted(DOCS.glob("adr/[0-9]*.md"))
HEADINGS = ["Context", "Decision", "Consequences", "Alternatives", "References"]


def name(path):
    return str(path.relative_to(ROOT))


def rows():
    """The tables of the configuration guide: variable → its row."""
    found = re.findall(r"^\| `([A-Z_]+)` \|(.*)$", CONFIGURATION.read_text(), re.MULTILINE)
    assert len(found) == len(dict(found)), "a variable is described twice"
    return dict(found)


def commands(page):
    """What a reader may paste: code in back ticks or fences."""
    text = page.read_text()
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))


def words(value):
    """Every word of the contract, keys included; examples show what customers may write."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("example", "examples"):
                yield from words(key)
                yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
    elif isinstance(value, str):
        yield from (word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", value))


def test_every_variable_is_documented():
    known = {field.upper() for field in Environment.model_fields} | set(VARIABLES.values())

    assert known - rows().keys() == set()


def format_default(value):
    """Write a default as a reader would set it."""
    return ",".join(value) if isinstance(value, tuple) else value


def test_documented_defaults_are_the_real_ones():
    described = rows()
    wrong = [
        field
        for field, info in Environment.model_fields.items()
        if not info.is_required()
        and info.default not in ("", ())
        and f"`{format_default(info.default)}`" not in described[field.upper()]
    ]

    assert wrong == []


def test_required_variables_are_called_required():
    described = rows()
    required = {
        field.upper() for field, info in Environment.model_fields.items() if info.is_required()
    }

    assert {variable for variable, row in described.items() if "**required**" in row} == required


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    paths = [link.partition("#")[0] for link in links if "://" not in link and link[0] != "#"]

    assert [path for path in paths if not (page.parent / unquote(path)).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_exist(page):
    text = commands(page)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", text)) <= targets
    assert set(re.findall(r"\bmanage\.py ([a-z_]+)", text)) <= get_commands().keys()


def test_stripe_is_asked_for_exactly_the_events_we_handle():
    asked = re.findall(
        r"enabled_events\[\]=([a-z_.]+)", (DOCS / "guides/your-own-keys.md").read_text()
    )

    assert sorted(asked) == registry.handled_types("stripe")


def test_runbook_names_every_periodic_task():
    runbook = (DOCS / "runbooks/worker-and-jobs.md").read_text()
    periodic = {name for name, _ in app.periodic_registry.periodic_tasks}

    assert "kit.rescue_stalled_jobs" in periodic
    assert {name for name in periodic if f"| `{name}` |" not in runbook} == set()


@pytest.mark.parametrize("decision", DECISIONS, ids=name)
def test_decision_has_the_form_of_all_others(decision):
    text = decision.read_text()

    assert text.startswith(f"# {int(decision.name[:4])}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert re.search(r"\]\(\.\./\.\./", text.partition("## References")[2]), "names no real file"


def test_every_decision_is_in_the_index():
    index = (DOCS / "adr" / "README.md").read_text()

    assert [path.name for path in DECISIONS if f"({path.name})" not in index] == []


def test_contract_uses_our_words():
    glossary = (DOCS / "glossary.md").read_text()
    said = re.search(r"never appear in the API: (.+?)\.", glossary, re.DOTALL)[1]
    forbidden = set(re.findall(r"`(\w+)`", said))

    assert "workspace" in forbidden
    assert forbidden & set(words(yaml.safe_load(CONTRACT.read_text()))) == set()
