# Vigie as an image: everything in one virtual environment, from the lock, run by a user without rights.
#   docker build --tag vigie .
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements-postgres.lock ./
RUN python -m venv /opt/vigie \
 && /opt/vigie/bin/pip install --no-deps --require-hashes --requirement requirements-postgres.lock
COPY pyproject.toml README.md LICENSE ./
COPY engine engine
COPY detectors detectors
COPY playbooks playbooks
COPY streams streams
COPY ops ops
RUN /opt/vigie/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/vigie/bin/pip install --no-deps --no-index /wheels/vigie-*.whl

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 vigie \
 && useradd --uid 10001 --gid vigie --home-dir /var/lib/vigie --create-home --shell /usr/sbin/nologin vigie
COPY --from=build /opt/vigie /opt/vigie
ENV PATH=/opt/vigie/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/vigie
VOLUME /var/lib/vigie
STOPSIGNAL SIGTERM
ENTRYPOINT ["vigie"]
CMD ["run", "--config", "/etc/vigie/vigie.yaml"]
