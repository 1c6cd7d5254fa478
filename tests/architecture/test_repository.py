"""The files that GitHub and editors read say what the project does."""

import configparser
import os

import yaml

from tests.harness.plugin import ROOT

WORKFLOW = ROOT / ".github/workflows/ci.yaml"
MANIFESTS = {
    "pip": "pyproject.toml",
    "npm": "package.json",
    "docker": "Dockerfile",
    "github-actions": ".github/workflows/ci.yaml",
}
FOLDERS = ("src", "dev", "tests", "docs", "scripts", ".github", ".ci")
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".html", ".js", ".ts", ".sh", ""}


def list_text_files():
    """List the project's text files, without what tools have made."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    found += [
        *ROOT.glob("*.md"),
        ROOT / "Makefile",
        ROOT / ".editorconfig",
        ROOT / "pyproject.toml",
    ]
    return [path for path in found if path.is_file() and path.suffix in TEXT]


def test_workflow_runs_what_ci_runs():
    workflow = yaml.safe_load(WORKFLOW.read_text())
    (job,) = workflow["jobs"].values()

    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert job["timeout-minutes"] <= 60
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow[True].keys() == {"push", "pull_request"}  # YAML 1.1 reads `on` as true


def test_documentation_says_that_the_workflow_was_not_run():
    assert "never run" in WORKFLOW.read_text()
    assert "it was never run there" in (ROOT / "README.md").read_text()


def test_dependabot_reads_files_that_exist():
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]

    assert {update["package-ecosystem"] for update in updates} == MANIFESTS.keys()
    for update in updates:
        assert update["directory"] == "/"
        assert (ROOT / MANIFESTS[update["package-ecosystem"]]).exists()


def test_files_follow_the_editorconfig():
    config = configparser.ConfigParser()
    config.read_string("[top]\n" + (ROOT / ".editorconfig").read_text())
    everything = config["*"]

    assert everything["insert_final_newline"] == everything["trim_trailing_whitespace"] == "true"
    wrong = [
        str(path.relative_to(ROOT))
        for path in list_text_files()
        if (text := path.read_bytes())
        and (not text.endswith(b"\n") or b"\r" in text or b" \n" in text or b"\t\n" in text)
    ]
    assert wrong == []


def test_pages_about_contributing_and_security_fit_on_one_screen():
    for name in ("CONTRIBUTING.md", "SECURITY.md"):
        assert len((ROOT / name).read_text().splitlines()) <= 50
