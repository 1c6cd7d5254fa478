"""Names tie services to tasks: each name deferred anywhere is a task somewhere."""

import ast

from django.apps import apps
from procrastinate.contrib.django import app

from tests.harness.plugin import ROOT


def deferred_names():
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "jobs.defer_job":
                first = node.args[0]
                assert isinstance(first, ast.Constant), f"{path}:{node.lineno}: say the job's name"
                yield first.value


def test_every_deferred_name_is_a_task():
    names = set(deferred_names())

    assert "tenancy.fill_schema_pool" in names
    assert names <= set(app.tasks)


def test_every_task_is_named_after_its_slice():
    labels = {config.label for config in apps.get_app_configs()}
    slices = {*labels, "builtin", "procrastinate"}
    strangers = [name for name in app.tasks if name.replace(":", ".").split(".")[0] not in slices]

    assert strangers == []
