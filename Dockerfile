# The training image: waits for feature_store, trains, stores the model in /models. It starts as root and steps
# down at once, see docker/train-entrypoint.sh; where no container may start as root, give it a --user.
FROM python:3.13-slim-trixie AS dependencies
# The constraints hold for what builds a package, too, which `-c` does not reach: older pips read the first
# variable there, newer ones the second.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PIP_CONSTRAINT=/src/constraints.txt PIP_BUILD_CONSTRAINT=/src/constraints.txt
WORKDIR /src
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/venv && pip install -c constraints.txt setuptools
COPY pyproject.toml setup.py ./
COPY data_science/_version.py data_science/
# The packages' code is not here yet, so this layer lives until a requirement or a version changes.
RUN --mount=type=cache,target=/root/.cache/pip \
    touch README.md && \
    pip --python /opt/venv install -c constraints.txt '.[train]' && \
    pip --python /opt/venv uninstall -y data_science

FROM dependencies AS application
COPY mle mle
COPY data_science data_science
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --no-build-isolation --target /opt/app ./mle .
RUN python -m compileall -q /opt/app && chmod -R a+rX /opt/app

FROM python:3.13-slim-trixie
LABEL org.opencontainers.image.title="data_science training" \
      org.opencontainers.image.description="Waits for feature_store, trains a Bayesian logit model, stores it" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
# PyTensor would look for a C compiler: the density is compiled by numba and the sampler by Rust beforehand.
# HOME holds caches only; it lies in /tmp so that it can be written in a read-only container.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTENSOR_FLAGS=cxx= \
    MODEL_FOLDER=/models \
    APP_UID=1000 \
    APP_GID=1000 \
    HOME=/tmp/home
RUN useradd --uid 1000 --no-create-home --home-dir /tmp/home app && install -d -o app -g app /models
COPY --from=dependencies /opt/venv /opt/venv
COPY --chmod=755 docker/train-entrypoint.sh /usr/local/bin/train-entrypoint
COPY --from=application /opt/app /opt/app
# Compiled code (numba) and fonts are cached here, once; the entrypoint copies them to where they are looked
# for. Code for no particular processor: what this machine compiles must be usable on the one it runs on.
ENV NUMBA_CPU_NAME=generic
RUN --mount=type=bind,source=docker/warm_up.py,target=/tmp/warm_up.py \
    HOME=/opt/warm NUMBA_CACHE_DIR=/opt/warm/numba PYTHONPATH=/opt/app python /tmp/warm_up.py && \
    chmod -R a+rX /opt/warm
# What the warm-up does not need comes after it.
COPY --chmod=644 main.py /opt/app/
WORKDIR /tmp
ENTRYPOINT ["train-entrypoint"]
CMD ["python", "/opt/app/main.py"]
# Last, so that another revision makes no layer again.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
