"""Run the development server, an embedded PostgreSQL and the processes of `make run`."""
