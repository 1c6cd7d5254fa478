"""One checkout's development machine.

An embedded PostgreSQL and the processes of `make run`.
"""
