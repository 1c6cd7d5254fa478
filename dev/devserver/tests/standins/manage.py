"""Print the command's name, then do what the variable STANDIN asks, instead of the product's commands."""

import os
import signal
import subprocess
import sys

command, behavior = sys.argv[1], os.environ.get("STANDIN", "")
print(f"\033[1m{command} begins\033[0m")

if command == "migrate_all" and behavior == "broken migration":
    sys.exit("relation is missing")

if command == "sync_catalog" and behavior == "broken catalog":
    sys.exit("CommandError: Stripe answered 404")

if command == "worker":
    if behavior == "crash":
        sys.exit("\033[31mworker failed on purpose\033[0m")
    if behavior == "ignores signals":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if behavior == "child ignores signals":
        subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    if behavior == "broken catalog":
        print("09:00:00 \033[31m[error    ]\033[0m vendor_answer_unreadable status=404", flush=True)
    signal.pause()
