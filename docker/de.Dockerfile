# The stand-in data engineers: `python -m de.load` fills the company database, once, and ends.
FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="stand-in data engineers" \
      org.opencontainers.image.description="Makes roles, source tables, stand-in data and feature_store"
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
COPY constraints.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip pip install -c /tmp/constraints.txt psycopg2-binary
COPY de /app/de
RUN python -m compileall -q /app && chmod -R a+rX /app
WORKDIR /app
USER 1000:1000
ENTRYPOINT ["python", "-m", "de.load"]
