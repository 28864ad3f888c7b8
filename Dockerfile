# The training image: waits for feature_store, trains, stores the model in /models.
FROM python:3.13-slim-trixie AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/venv && pip install 'setuptools>=80'
COPY constraints.txt pyproject.toml setup.py ./
# The packages' code is not here yet, so this layer lives until a requirement or a version changes.
RUN --mount=type=cache,target=/root/.cache/pip \
    touch README.md && mkdir data_science && \
    pip --python /opt/venv install -c constraints.txt '.[train]' && \
    pip --python /opt/venv uninstall -y data_science

FROM dependencies AS application
COPY mle mle
COPY README.md ./
COPY data_science data_science
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --no-build-isolation --target /opt/app ./mle .
COPY main.py /opt/app/
RUN python -m compileall -q /opt/app && chmod -R a+rX /opt/app

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="data_science training" \
      org.opencontainers.image.description="Waits for feature_store, trains a Bayesian logit model, stores it" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
ARG APP_UID=1000
# PyTensor would look for a C compiler: the density is compiled by numba and the sampler by Rust beforehand.
# HOME holds caches only; it lies in /tmp so that it can be written in a read-only container.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTENSOR_FLAGS=cxx= \
    MODEL_FOLDER=/models \
    APP_UID=$APP_UID \
    APP_GID=$APP_UID \
    HOME=/tmp/home
RUN useradd --uid "$APP_UID" --no-create-home --home-dir /tmp/home app && install -d -o app -g app /models
COPY --from=dependencies /opt/venv /opt/venv
COPY --chmod=755 docker/train-entrypoint.sh /usr/local/bin/train-entrypoint
COPY --from=application /opt/app /opt/app
# Compiled code (numba) and fonts are cached here, once; the entrypoint copies them to where they are looked
# for. Code for no particular processor: what this machine compiles must be usable on the one it runs on.
ENV NUMBA_CPU_NAME=generic
RUN --mount=type=bind,source=docker/warm_up.py,target=/tmp/warm_up.py \
    HOME=/opt/warm NUMBA_CACHE_DIR=/opt/warm/numba PYTHONPATH=/opt/app python /tmp/warm_up.py && \
    chmod -R a+rX /opt/warm
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
WORKDIR /tmp
ENTRYPOINT ["train-entrypoint"]
CMD ["python", "/opt/app/main.py"]
