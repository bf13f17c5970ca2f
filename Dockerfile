# Stage one builds the wheel and a virtual environment from the locked, hashed requirements; stage two has nothing else.
FROM python:3.11-slim AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/build \
 && python -m venv --without-pip /opt/connector \
 && sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.lock > build.lock \
 && /opt/build/bin/pip install --quiet --require-hashes --requirement build.lock \
 && /opt/build/bin/pip --python /opt/connector/bin/python install --quiet --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY connector connector
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/connector/bin/python install --quiet --no-deps /wheels/*.whl

FROM python:3.11-slim
RUN groupadd --system --gid 10001 connector \
 && useradd --system --uid 10001 --gid connector --home-dir /var/lib/connector --create-home connector
COPY --from=build /opt/connector /opt/connector
WORKDIR /etc/connector
COPY config.example.toml ./
COPY mappings mappings
COPY jobs jobs
ENV PATH=/opt/connector/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CONNECTOR_STORE__DIRECTORY=/var/lib/connector \
    CONNECTOR_SERVE__HOST=0.0.0.0
USER connector
VOLUME /var/lib/connector
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["connector"]
CMD ["serve"]
