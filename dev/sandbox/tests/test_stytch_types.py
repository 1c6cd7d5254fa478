"""Stytch's own Node SDK signs in at the sandbox, and its strict types accept every answer.

The models of the Python SDK ignore fields they do not know. An object literal of TypeScript must have
every required field, none that is null unless the type calls it optional, and none that the type does
not name.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from sandbox.tests.support import Control

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache"  # below the folder with the package, so that the compiler finds it
SCRIPT = Path(__file__).with_name("stytch_sdk.mjs")
# What the types call optional, Stytch sends as null, as `primary_required` of
# https://stytch.com/docs/multi-tenant-auth/manage-sessions/intermediate-sessions/step-up.
HEAD = """
import { B2BClient } from "stytch";
declare const client: B2BClient;
type Wire<T> = T extends object
  ? { [K in keyof T]: undefined extends T[K] ? Wire<T[K]> | null : Wire<T[K]> }
  : T;
"""
CONFIG = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "target": "es2022",
        "lib": ["es2022", "dom"],
        "types": [],
        "module": "esnext",
        "moduleResolution": "bundler",
        "skipLibCheck": True,
    },
    "files": ["answers.ts"],
}


def run_node(*command):
    return subprocess.run(
        ["sh", "scripts/node", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def recorded(served):
    """Answers of discovery, members, sessions, OAuth, SSO and second factors, with their calls."""
    control = Control(served.url)
    control.post("/reset")
    control.close()
    chosen = served.settings
    settings = {
        "url": served.url,
        "project_id": chosen.stytch_project_id,
        "secret": chosen.stytch_secret,
        "public_token": chosen.stytch_public_token,
    }
    done = run_node("node", str(SCRIPT), json.dumps(settings))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def compile_answers(answers):
    """Return what the compiler says about answers, each declared with the type of its call."""
    lines = [HEAD]
    for number, (path, answer) in enumerate(answers):
        type_ = f"Wire<Awaited<ReturnType<typeof client.{path}>>>"
        lines.append(f"const a{number}: {type_} = {json.dumps(answer)};")
    lines.append("export {};")
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        Path(folder, "answers.ts").write_text("\n".join(lines))
        Path(folder, "tsconfig.json").write_text(json.dumps(CONFIG))
        done = run_node("tsc", "--project", folder, "--pretty", "false")
    return done.stdout.splitlines() if done.returncode else []


def test_answers_have_the_types_of_stytchs_package(recorded):
    answers = [(one["path"], one["answer"]) for one in recorded]
    assert compile_answers(answers) == []

    path, session = next(one for one in answers if one[0] == "sessions.authenticate")
    missing = {name: value for name, value in session.items() if name != "member"}
    planted = [(path, missing), (path, session | {"session_jwt": None}), (path, session)]
    problems = [line for line in compile_answers(planted) if "error TS" in line]
    assert len(problems) == 2
    assert "'member' is missing" in problems[0]


def test_every_way_to_sign_in_was_called(recorded):
    paths = {one["path"] for one in recorded}

    assert {
        "magicLinks.discovery.authenticate",
        "otps.email.discovery.authenticate",
        "oauth.discovery.authenticate",
        "oauth.authenticate",
        "sso.authenticate",
        "totps.authenticate",
        "otps.sms.authenticate",
        "recoveryCodes.recover",
        "sessions.exchange",
    } <= paths
