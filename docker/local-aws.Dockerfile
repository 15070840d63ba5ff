# The local AWS with the environments that stand in for AWS's container images: what `make` builds, on a plain Debian.
FROM debian:bookworm-slim
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        ca-certificates curl libgomp1 python3 python3-pip \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 50000 --gid 0 --no-create-home --home-dir /var/lib/frugal frugal \
    && install -d -o frugal -g root /var/lib/frugal
ENV FRUGAL_HOME=/opt/frugal/home PYTHONPATH=/opt/frugal/include:/opt/frugal PYTHONUNBUFFERED=1
WORKDIR /opt/frugal
COPY requirements requirements
COPY include/local_aws/images include/local_aws/images
RUN UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 python3 requirements/environments.py build local-aws data images/xgboost-3.0-5 images/neo-xgboost
COPY include/local_aws include/local_aws
COPY include/container include/container
COPY demo demo
COPY docker/seed.py docker/seed.py
RUN install -d -o frugal -g root home/data
USER frugal
ENTRYPOINT ["/opt/frugal/home/envs/local-aws/bin/python"]
CMD ["-m", "local_aws", "serve", "--host", "local-aws", "--private-network", "--state", "/var/lib/frugal/local-aws", "--envs", "/opt/frugal/home/envs/images"]
