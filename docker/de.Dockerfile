# The stand-in data engineers: `python -m de.load` fills the company database, once, and ends.
FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="stand-in data engineers" \
      org.opencontainers.image.description="Makes roles, source tables, stand-in data and feature_store" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=constraints.txt,target=/run/constraints.txt \
    pip install -c /run/constraints.txt psycopg2-binary
COPY de /app/de
RUN python -m compileall -q /app && chmod -R a+rX /app
WORKDIR /app
USER 1000:1000
ENTRYPOINT ["python", "-m", "de.load"]
# Last, so that another revision makes no layer again.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
