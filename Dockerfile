# One image, two stages: the first builds the wheel and its environment, the second only runs it.
# Every setting of edge.toml has a name in the environment: listen.port is DVC_EDGE__LISTEN__PORT.
# Runs with a read-only root file system and without capabilities:
#   docker run --read-only --cap-drop ALL -p 8080:8080 -v "$PWD/conf:/etc/dvc-edge:ro" dvc-edge
# Pin the base by digest for a release: --build-arg PYTHON=python:3.11-slim-bookworm@sha256:...
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# The program's environment has no pip of its own: what runs cannot install.
RUN python -m venv --without-pip /opt/dvc-edge
COPY requirements/run.txt requirements/build.txt requirements/compile.txt requirements/
# The compiler stays in this stage.  --build-arg DVC_EDGE_COMPILE=0: everything is interpreted.
ARG DVC_EDGE_COMPILE=1
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
RUN pip --python /opt/dvc-edge/bin/python install --require-hashes -r requirements/run.txt \
    && pip install --require-hashes -r requirements/build.txt \
    && pip install --require-hashes -r requirements/compile.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY proxy proxy
COPY sso sso
COPY redirect_rules redirect_rules
COPY templates templates
COPY conf conf
RUN DVC_EDGE_COMPILE="${DVC_EDGE_COMPILE}" pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/dvc-edge/bin/python install --no-deps dist/*.whl
# Templates are kept compiled beside Python's own files: what runs may not write there, and starts a third sooner with them.
RUN PYTHONDONTWRITEBYTECODE="" /opt/dvc-edge/bin/python -P -c "from proxy.pages import Pages; Pages()"

FROM ${PYTHON}
LABEL org.opencontainers.image.title="dvc-edge" \
      org.opencontainers.image.description="The edge on the addresses of closed public-service portals" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/dvc-edge /opt/dvc-edge
COPY conf /etc/dvc-edge
# In a container the addresses to listen on are the container's own: what reaches them is the engine's business.
ENV PATH=/opt/dvc-edge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DVC_EDGE__LISTEN__HOST=0.0.0.0 \
    DVC_EDGE__OPERATIONS__HOST=0.0.0.0
# A number, so that an orchestrator can prove that it is not root.
USER 10001:10001
# 8080 is for visitors.  8082 is for operators (health and metrics): never publish it to the internet.
EXPOSE 8080 8082
STOPSIGNAL SIGTERM
# Where operations.port is another one, give the engine a health command of your own.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8082, timeout=2); c.request('GET', '/live'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["dvc-edge"]
CMD ["serve", "--config", "/etc/dvc-edge/edge.toml"]
