# An environment with the exact versions of constraints.txt, on a processor.
#   docker build -t dlvae . && docker run --rm -v "$PWD/results:/dlvae/results" dlvae
FROM python:3.12-slim

# Debian keeps no older versions to name one.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes git \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /dlvae
COPY . .
RUN pip install --no-cache-dir -c constraints.txt -e .

# Files of /dlvae/results then belong to whoever runs it: docker run --user "$(id -u):$(id -g)"
ENV HOME=/tmp
CMD ["snakemake", "--cores", "all", "reproduce", "--configfile", "config/smoke.yaml"]
