"""Stands in for the product's commands.

Says its name, then does what STANDIN asks.
"""

import os
import signal
import subprocess
import sys

word, wish = sys.argv[1], os.environ.get("STANDIN", "")
print(f"\033[1m{word} begins\033[0m")

if word == "migrate_all" and wish == "broken migration":
    sys.exit("relation is missing")

if word == "worker":
    if wish == "crash":
        sys.exit("\033[31mworker is beside itself\033[0m")
    if wish == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if wish == "deaf child":
        subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    signal.pause()
