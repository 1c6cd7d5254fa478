"""The container files agree with what the product reads.

Building images needs Docker, not tests.
"""

import re
from pathlib import Path

import pytest
import yaml

from devserver import environment
from devserver.environment import Addresses

ROOT = Path(__file__).parents[3]
HERE = {"DATABASE_URL": "postgresql://w@db/x", "DATABASE_OWNER_URL": "postgresql://o@db/x"}


@pytest.fixture
def compose():
    return yaml.safe_load(ROOT.joinpath("compose.yaml").read_text())


@pytest.fixture
def dockerfile():
    return ROOT.joinpath("Dockerfile").read_text()


def test_compose_sets_what_make_run_sets(compose):
    variables = environment.complete_environment(HERE, Addresses())
    product = {
        name for name in variables if not name.startswith(("SANDBOX_", "PYTHONPATH", "DJANGO"))
    }

    for service in ("web", "worker", "migrate", "catalog"):
        assert product - {"SPARE_SCHEMAS"} <= set(compose["services"][service]["environment"])


def test_compose_gives_the_sandbox_the_keys_the_product_uses(compose):
    variables = environment.complete_environment(HERE, Addresses())
    sandbox = compose["services"]["sandbox"]["environment"]

    for name in environment.build_vendor_settings({}, Addresses()):
        assert sandbox[name] == variables[name]


def test_compose_makes_the_roles_its_urls_name(compose):
    script = compose["configs"]["roles"]["content"]

    for url in (compose["x-environment"][name] for name in environment.DATABASES):
        role, password = re.search(r"//(\w+):(\w+)@", url).groups()
        assert re.search(rf"CREATE ROLE {role} LOGIN [A-Z ]*PASSWORD '{password}'", script)


def test_image_installs_hashed_packages_and_drops_root(dockerfile):
    production = dockerfile.split("AS production")[1]

    assert "--require-hashes -r /tmp/production.txt" in dockerfile
    assert "USER tenantry" in production
    assert production.index("USER tenantry") < production.index("CMD [")
    assert "dev" not in dockerfile.split("AS product")[1].split("AS production")[0]


def test_lock_files_name_no_registry():
    for lock in ROOT.joinpath("requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text
        assert "--index-url" not in text
        assert text.count("--hash=sha256:") > text.count("==")


def test_what_the_images_copy_is_in_the_build_context(dockerfile):
    kept = re.findall(r"^!(.+)/$", ROOT.joinpath(".dockerignore").read_text(), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE)

    assert copied
    for source in copied:
        assert ROOT.joinpath(source).exists()
        assert any(source == folder or source.startswith(f"{folder}/") for folder in kept), source
