# One image for every process: `docker run frontdesk web`, `… smtp`, `… worker`. Compose says which run together.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    FRONTDESK_DIR=/var/lib/frontdesk

# The folder exists and belongs to this user in the image, so a fresh volume mounted there does too.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/frontdesk frontdesk

WORKDIR /usr/src/frontdesk
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock

# Named one by one: nothing that lies about in the folder (.env, .git, .frontdesk) can slip in.
COPY pyproject.toml README.md LICENSE ./
COPY models ./models
COPY channels ./channels
COPY workers ./workers
COPY migrations ./migrations
COPY sandbox ./sandbox
# setuptools is in the lock, so nothing is fetched here that no hash vouches for.
RUN pip install --no-deps --no-build-isolation .

USER frontdesk
WORKDIR /var/lib/frontdesk
ENTRYPOINT ["frontdesk"]
CMD ["--help"]
