# The API and its worker: one image, two commands. `--target sandbox` is for laptops only.

FROM python:3.13-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/venv
COPY requirements/production.txt /tmp/
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/production.txt

FROM packages AS sandbox-packages
COPY requirements/development.txt /tmp/
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/development.txt

FROM python:3.13-slim AS base
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app/src PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent tenantry
WORKDIR /app

FROM base AS sandbox
COPY --from=sandbox-packages /opt/venv /opt/venv
COPY dev/sandbox dev/sandbox
ENV PYTHONPATH=/app/dev
USER tenantry
CMD ["python", "-m", "sandbox"]

FROM packages AS product
WORKDIR /app
COPY src src
# Settings insist on every variable; none of these is kept, and no database is asked.
RUN SECRET_KEY=only-to-collect-static-files-nothing-else DATABASE_URL=postgresql:///x \
    DATABASE_OWNER_URL=postgresql:///x AUTH_REDIRECT_URL=https://x.example STYTCH_PROJECT_ID=x \
    STYTCH_SECRET=x STYTCH_PUBLIC_TOKEN=x STRIPE_SECRET_KEY=x BILLING_NOTICES=false PYTHONPATH=src \
    /opt/venv/bin/python src/manage.py collectstatic --noinput --verbosity 0

FROM base AS production
COPY --from=packages /opt/venv /opt/venv
COPY --from=product /app /app
# Every granian worker counts for itself; the folder is where /metrics adds them up.
RUN install --directory --owner tenantry /run/tenantry
ENV ENVIRONMENT=production LOG_FORMAT=json PROMETHEUS_MULTIPROC_DIR=/run/tenantry \
    GRANIAN_INTERFACE=wsgi GRANIAN_HOST=0.0.0.0 GRANIAN_PORT=8000 \
    GRANIAN_WORKERS=2 GRANIAN_BLOCKING_THREADS=4
USER tenantry
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['GRANIAN_PORT']}/livez\", timeout=2)"]
CMD ["granian", "config.wsgi:application"]
