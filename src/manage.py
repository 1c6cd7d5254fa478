#!/usr/bin/env python
"""Django's commands, run with the owner's database role."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if not is_configured():
        use_development_environment()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def is_configured() -> bool:
    """Return whether the shell or `.env` has the variables of an installation."""
    from dotenv import dotenv_values

    given = dotenv_values(ROOT / ".env") | os.environ
    return bool(given.get("SECRET_KEY") or given.get("ENVIRONMENT"))


def use_development_environment() -> None:
    """Replace this process by the same command with the database and variables of `make run`.

    Return where there is no development server, as in an image: the settings then name what is missing.
    """
    if not (ROOT / "dev" / "devserver").exists():
        return
    print("No ENVIRONMENT is set: using the development server's (make run).", file=sys.stderr)
    os.environ["PYTHONPATH"] = os.pathsep.join(str(ROOT / folder) for folder in ("src", "dev"))
    command = [sys.executable, "-m", "devserver", "with", "--", sys.executable, *sys.argv]
    os.execv(sys.executable, command)  # noqa: S606  no shell wanted


if __name__ == "__main__":
    main()
