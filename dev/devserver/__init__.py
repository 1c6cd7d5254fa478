"""One checkout's development machine: an embedded PostgreSQL and the processes of `make run`."""
