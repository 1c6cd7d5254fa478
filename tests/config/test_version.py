"""One version, wherever it is shown."""

import tomllib

import yaml
from django.conf import settings

from tests.harness.plugin import ROOT


def test_version_is_the_packages():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert package["version"] == settings.VERSION


def test_contract_names_the_version():
    contract = yaml.safe_load((ROOT / "docs/api/openapi.yaml").read_text())

    assert contract["info"]["version"] == settings.VERSION


def test_running_api_names_the_version(api, stack):
    assert api.get("/readyz").json()["version"] == settings.VERSION
    assert api.get("/openapi.json").json()["info"]["version"] == settings.VERSION
