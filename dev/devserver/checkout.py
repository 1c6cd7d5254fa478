"""Name the files where this checkout keeps its state, apart from other checkouts."""

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".devserver"
PYTHONPATH = os.pathsep.join(str(ROOT / folder) for folder in ("src", "dev"))
KEY = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]

USERS = STATE / "users.lock"  # held, shared, by every command that needs the database
STARTING = STATE / "starting.lock"  # held while one of them starts the keeper
KEEPER = STATE / "keeper.lock"  # held by the keeper for as long as PostgreSQL runs
RUN = STATE / "run.lock"  # held by `make run`
ADDRESSES = STATE / "addresses.json"  # the ports that run was given
SECRET = STATE / "secret_key"
STAFF_PASSWORD = STATE / "staff_password"
SANDBOX = STATE / "sandbox.sqlite3"
LOG = STATE / "postgres.log"
LOGS = STATE / "logs"  # one file for each program of the last `make run`
EARLIER_LOGS = STATE / "logs.earlier"  # and of the run before
METRICS = STATE / "metrics"  # where the web server's processes leave their counts


def make_state_folder() -> None:
    """Create the state folder."""
    STATE.mkdir(mode=0o755, exist_ok=True)
