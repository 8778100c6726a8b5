# Written with care, not run: there was no Docker daemon where it was written.
FROM python:3.12-slim

# The C compiler is for the fastest kernel, which is compiled for the very processor it runs on.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --shell /usr/sbin/nologin sparselab

WORKDIR /opt/sparselab
COPY requirements.txt ./
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt
COPY . .
RUN pip install --no-cache-dir --no-deps .

USER sparselab
WORKDIR /home/sparselab
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]

# Inside a container every address is the container's own; who may reach it is decided by what is published and by the proxy.
CMD ["sparselab", "app", "--no-browser", "--", "--server.address=0.0.0.0"]
