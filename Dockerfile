# LangFlix in containers, each the last stage of a line:
#   cli        langflix run, doctor, season ...   docker build -t langflix:cli .
#   api        the HTTP service                   docker build --target api -t langflix:api .
#   dashboard  the page                           docker build --target dashboard -t langflix:dashboard .
#   lab        JupyterLab with LangFlix           docker build --target lab -t langflix:lab .
# They share all layers up to `runtime`. See docs/docker.md.


# ffmpeg from the source of Debian 13's own package, built against Debian 12's libraries, with all that reads films and only
# what LangFlix writes. It cannot reach a network.
FROM debian:bookworm-slim AS ffmpeg
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /usr/src
# hadolint ignore=DL3008
RUN sed -e 's/^Types: deb$/Types: deb-src/' -e 's/bookworm/trixie/g' /etc/apt/sources.list.d/debian.sources > /etc/apt/sources.list.d/newer.sources \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      dpkg-dev gcc libc6-dev make nasm pkgconf xz-utils \
      libass-dev libdav1d-dev libopus-dev libx264-dev libzimg-dev zlib1g-dev > /dev/null \
 && apt-get source -qq --download-only ffmpeg \
 && rm -rf /var/lib/apt/lists/*
RUN dpkg-source --no-check --extract ffmpeg_*.dsc ffmpeg > /dev/null
WORKDIR /usr/src/ffmpeg
RUN ./configure --prefix=/usr/local --enable-shared --disable-static --enable-rpath \
      --extra-version="$(dpkg-parsechangelog --show-field Version | cut -d- -f2-)" \
      --disable-everything --disable-autodetect --disable-network --disable-doc --disable-debug --disable-ffplay --disable-postproc \
      --enable-gpl --enable-version3 \
      --enable-libass --enable-libdav1d --enable-libopus --enable-libx264 --enable-libzimg --enable-zlib \
      --enable-protocol=file,pipe,fd,data,crypto,md5 --enable-indev=lavfi \
      --enable-demuxers --enable-decoders --enable-parsers --enable-bsfs \
      --enable-muxer=mp4,mov,ipod,matroska,webm,mpegts,avi,asf,flv,mpeg1system,mpeg2vob,ogg,wav,flac,adts,null,rawvideo,pcm_s16le,image2,mjpeg,srt,ass,webvtt,ffmetadata,framemd5,md5,hash,framehash,streamhash \
      --enable-encoder=libx264,aac,pcm_s16le,mjpeg,png,rawvideo,wrapped_avframe,libopus,flac,ac3,srt,subrip,ass,ssa,webvtt,movtext,text \
      --enable-filter=ass,subtitles,scale,zscale,tonemap,format,noformat,setsar,setdar,setfield,setrange,pad,crop,split,overlay,gblur,boxblur,unsharp,drawbox,fps,framerate,tpad,trim,setpts,settb,select,loop,geq,eq,hue,curves,lut,lutyuv,lutrgb,bwdif,yadif,idet,fieldorder,hflip,vflip,transpose,rotate,null,copy,color,nullsrc,testsrc,testsrc2,smptebars,concat,hstack,vstack,xstack,tile,blend,fade,xfade,alphamerge,alphaextract,premultiply,colorchannelmixer,colorspace,colormatrix,framestep,freezedetect,blackdetect,cropdetect,scdet,metadata,signalstats,thumbnail,showinfo,psnr,ssim,fillborders,sidedata \
      --enable-filter=aresample,aformat,anull,anullsrc,sine,aevalsrc,amix,amerge,pan,volume,volumedetect,afade,acrossfade,atempo,atrim,asetpts,asettb,asetnsamples,asetrate,apad,adelay,aloop,alimiter,acompressor,dynaudnorm,loudnorm,ebur128,silencedetect,silenceremove,astats,ametadata,aselect,asplit,channelmap,channelsplit,join,highpass,lowpass,equalizer,showwavespic,ashowinfo \
      > /tmp/configure.log || { tail -n 30 ffbuild/config.log; exit 1; }
RUN time make -j"$(nproc)" ffmpeg ffprobe > /tmp/make.log 2>&1 || { tail -n 30 /tmp/make.log; exit 1; }
RUN make install-progs install-libs DESTDIR=/opt/ffmpeg > /dev/null \
 && strip --strip-unneeded /opt/ffmpeg/usr/local/bin/* /opt/ffmpeg/usr/local/lib/*.so.*.*.* \
 && install -D --mode=644 --target-directory=/opt/ffmpeg/usr/local/share/doc/ffmpeg debian/copyright COPYING.GPLv3 \
 && { echo "ffmpeg and ffprobe were built from the source package of Debian 13 (trixie), ffmpeg $(dpkg-parsechangelog --show-field Version)."; \
      echo "Get it with: apt-get source ffmpeg=$(dpkg-parsechangelog --show-field Version)"; \
      echo "or from https://snapshot.debian.org/package/ffmpeg/, which keeps every version."; \
      echo "Configuration: $(sed -n 's/^#define FFMPEG_CONFIGURATION //p' config.h)"; } > /opt/ffmpeg/usr/local/share/doc/ffmpeg/SOURCE


# `docker build --target ffmpeg-source --output DIR .` gives the source that whoever hands an image on must offer too.
FROM scratch AS ffmpeg-source
COPY --from=ffmpeg /usr/src/*.dsc /usr/src/*.tar.* /


# Python, pip and what packs. Nothing of this is in an image.
FROM python:3.11-slim-bookworm AS tools
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_DEPS=1 \
    PYTHONDONTWRITEBYTECODE=1
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends binutils > /dev/null \
 && rm -rf /var/lib/apt/lists/*
# The environment has no pip of its own: the builder's pip fills it from outside.
RUN python -m venv --without-pip /opt/langflix \
 && python -m venv /opt/build
WORKDIR /src
COPY .ci/locks/build.txt .ci/locks/
RUN /opt/build/bin/pip install --quiet --require-hashes --requirement .ci/locks/build.txt


FROM tools AS fonts
COPY .ci/fonts.py .ci/
RUN /opt/build/bin/python .ci/fonts.py /opt/build/lib/python3.11/site-packages /fonts


# Each is named with the modules that its commands import, which are compiled; Google's libraries start nearly as fast
# without.
FROM tools AS packages
COPY .ci/slim.py .ci/locks/all.txt .ci/
RUN pip --python /opt/langflix/bin/python install --quiet --no-compile --require-hashes --requirement .ci/all.txt \
 && python .ci/slim.py /opt/langflix alembic.command budoux.parser charset_normalizer ffmpeg filelock fontTools.ttLib genanki \
      jinja2 joblib platformdirs psycopg pydantic_settings pysubs2 \
      redis requests rich.console rich.table simplemma sqlalchemy.dialects.postgresql.psycopg sqlalchemy.dialects.sqlite sqlalchemy.orm tqdm \
      typer.rich_utils yaml zstandard


FROM packages AS packages-cli
COPY .ci/slim.py .ci/locks/cli.txt .ci/
RUN pip --python /opt/langflix/bin/python install --quiet --no-compile --prefix /added --require-hashes --requirement .ci/cli.txt \
 && python .ci/slim.py /added dask.cli distributed distributed.cli.dask_scheduler distributed.cli.dask_worker joblib._dask


FROM packages AS packages-api
COPY .ci/slim.py .ci/locks/api.txt .ci/
RUN pip --python /opt/langflix/bin/python install --quiet --no-compile --prefix /added --require-hashes --requirement .ci/api.txt \
 && python .ci/slim.py /added fastapi fastapi.openapi.utils httpx ipykernel.kernelapp ipykernel.inprocess nbclient papermill prometheus_client \
      starlette.middleware.cors uvicorn.loops.auto uvicorn.lifespan.on uvicorn.protocols.http.h11_impl


FROM packages AS packages-dashboard
COPY .ci/slim.py .ci/locks/dashboard.txt .ci/
RUN pip --python /opt/langflix/bin/python install --quiet --no-compile --prefix /added --require-hashes --requirement .ci/dashboard.txt \
 && python .ci/slim.py /added anywidget httpx ipykernel.kernelapp ipywidgets nbclient papermill voila.app voila.configuration \
      voila.shutdown_kernel_handler voila.tornado.handler voila.tornado.kernel_websocket_handler


FROM packages AS packages-lab
COPY .ci/slim.py .ci/locks/lab.txt .ci/
RUN pip --python /opt/langflix/bin/python install --quiet --no-compile --prefix /added --require-hashes --requirement .ci/lab.txt \
 && python .ci/slim.py /added ipykernel.kernelapp ipywidgets


# LangFlix itself: the only part that changes from day to day.
FROM tools AS builder
COPY .ci/slim.py .ci/
COPY settings.ini setup.py pyproject.toml MANIFEST.in README.md CHANGELOG.md LICENSE NOTICE ./
COPY langflix langflix
RUN /opt/build/bin/pip wheel --quiet --no-build-isolation --wheel-dir /wheels . \
 && pip --python /opt/langflix/bin/python install --quiet --no-compile --prefix /added /wheels/*.whl \
 && python -m compileall -q --invalidation-mode unchecked-hash /added/lib \
 && python .ci/slim.py /added


# What all images share.
FROM python:3.11-slim-bookworm AS runtime
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Debian's own libraries for ffmpeg, and an init that passes signals on. 568 is the apps user of TrueNAS; any other uid
# works too: like /tmp, a new /data is open to all.
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      --option DPkg::Options::='--path-exclude=/usr/share/fonts/truetype/dejavu/DejaVuSansMono*' \
      --option DPkg::Options::='--path-exclude=/usr/share/fonts/truetype/dejavu/DejaVuSerif*' \
      libass9 libdav1d6 libopus0 libx264-164 libzimg2 tini > /dev/null \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/*.log /var/log/apt /var/cache/ldconfig/aux-cache \
 && groupadd --gid 568 apps \
 && useradd --uid 568 --gid 568 --home-dir /data --no-create-home --shell /usr/sbin/nologin apps \
 && install --directory --owner 568 --group 568 --mode 1777 /data /media/uploads \
 && install --directory /media/library
COPY --from=ffmpeg /opt/ffmpeg/usr/local /usr/local
COPY --from=fonts /fonts /usr/local/share/fonts/langflix
COPY --from=packages /opt/langflix /opt/langflix
COPY --chmod=755 .ci/healthy.py /usr/local/bin/healthy
ENV PATH=/opt/langflix/bin:$PATH LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/data XDG_CACHE_HOME=/data/cache IPYTHONDIR=/tmp/ipython JUPYTER_RUNTIME_DIR=/tmp/jupyter MPLCONFIGDIR=/tmp/matplotlib \
    LANGFLIX_CONTAINER=1 LANGFLIX_PATHS__MEDIA=/media LANGFLIX_PATHS__OUTPUT=/data/lessons LANGFLIX_PATHS__CACHE=/data/cache
LABEL org.opencontainers.image.title="LangFlix" \
      org.opencontainers.image.description="Turns a TV episode (video + subtitles) into language lessons" \
      org.opencontainers.image.source="https://github.com/langflix/langflix" \
      org.opencontainers.image.documentation="https://github.com/langflix/langflix/blob/main/docs/docker.md" \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-3.0-or-later AND LGPL-3.0-only AND OFL-1.1" \
      org.opencontainers.image.base.name="python:3.11-slim-bookworm" \
      io.langflix.ffmpeg.source="the Debian source package named in /usr/local/share/doc/ffmpeg/SOURCE"
VOLUME /data
WORKDIR /data
USER 568:568
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "-s", "--", "langflix"]


FROM runtime AS api
COPY --from=packages-api /added /opt/langflix
COPY --from=builder /added /opt/langflix
ENV LANGFLIX_API__HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --retries=5 --start-period=15s CMD ["healthy", "api"]
CMD ["serve"]


FROM runtime AS dashboard
COPY --from=packages-dashboard /added /opt/langflix
COPY --from=builder /added /opt/langflix
ENV LANGFLIX_DASHBOARD__HOST=0.0.0.0
EXPOSE 8866
HEALTHCHECK --interval=30s --timeout=5s --retries=5 --start-period=15s CMD ["healthy", "dashboard"]
CMD ["dashboard"]


FROM runtime AS lab
COPY --from=packages-lab /added /opt/langflix
COPY --from=builder /added /opt/langflix
EXPOSE 8888
HEALTHCHECK --interval=30s --timeout=5s --retries=5 --start-period=15s CMD ["healthy", "lab"]
ENTRYPOINT ["tini", "-s", "--", "python", "-m", "langflix.startup", "jupyter", "lab"]
CMD ["--ip=0.0.0.0", "--port=8888", "--no-browser"]


# No health check: a command ends with a status of its own.
FROM runtime AS cli
COPY --from=packages-cli /added /opt/langflix
COPY --from=builder /added /opt/langflix
CMD ["--help"]
