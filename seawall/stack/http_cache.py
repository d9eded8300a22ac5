"""An HTTP cache in front of the API: nginx, where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from http import HTTPStatus
from pathlib import Path

from seawall.stack.certificates import TlsPort
from seawall.stack.errors import ServerFailed
from seawall.stack.ports import HOST
from seawall.stack.service import NotReady, OwnService, make_directories, plain_environment, status_of

_SYSTEM_PROGRAMS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
_STATUS = "/nginx-status"
_OLDEST = (1, 13)
"""It has `stub_status` at any place, and asks again with the validators that it has."""


class HttpCache(OwnService):
    """nginx: answers GET requests as long as the API's `Cache-Control` allows, and hands everything else on."""

    name = kind = "http-cache"
    stop_signal = signal.SIGQUIT
    stop_within_s = 10.0
    ready_within_s = 20.0

    def __init__(self, api_port: int, *, port: int, tls: TlsPort | None, directory: Path) -> None:
        """*api_port* is where the API listens; *port* and *tls* are for clients."""
        self.port: int | None = port
        self.address = f"http://{HOST}:{port}"
        self._api_port, self._tls = api_port, tls
        self._directory = directory

    def prepare(self) -> None:
        """Write the configuration; raises `ServerFailed` where there is no nginx."""
        program()
        make_directories(self._directory, self._directory / "tmp", cache_files(self._directory.parent))
        (self._directory / "nginx.conf").write_text(self._configuration(), encoding="utf-8")

    def command(self) -> list[str]:
        """Return the server's command line."""
        return [program(), "-p", str(self._directory), "-c", "nginx.conf", "-e", "stderr"]

    def environment(self) -> dict[str, str]:
        """Return a plain environment."""
        return plain_environment(self._directory / "tmp")

    def answer(self) -> str:
        """Return the version once it serves; raises `NotReady`."""
        status = status_of(self.port, _STATUS)
        if status != HTTPStatus.OK:
            raise NotReady(f"its status page answers {status}")
        return version(program())

    def _configuration(self) -> str:
        tmp = self._directory / "tmp"
        temporary = "\n".join(
            f'    {kind}_temp_path "{tmp}";' for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        listening = f"listen {HOST}:{self.port} backlog=4096;"
        if self._tls is not None:
            listening += (
                f"\n        listen {HOST}:{self._tls.port} ssl backlog=4096;"
                f'\n        ssl_certificate "{self._tls.certificate.chain}";'
                f'\n        ssl_certificate_key "{self._tls.certificate.key}";'
                "\n        ssl_protocols TLSv1.2 TLSv1.3;"
            )
        # the limits of body and time are the API's
        return f"""\
daemon off;
{_user()}pid "{self._directory}/nginx.pid";
error_log stderr warn;
worker_processes 1;
worker_rlimit_nofile {_open_files()};
events {{
    worker_connections {_open_files()};
    multi_accept on;
}}
http {{
{temporary}
    access_log off;
    server_tokens off;
    keepalive_requests 100000000;
    client_max_body_size 0;
    client_body_buffer_size 512k;
    proxy_cache_path "{cache_files(self._directory.parent)}" levels=1:2 keys_zone=lookups:32m max_size=512m inactive=60s
        use_temp_path=off;
    map $http_cache_control $past_the_cache {{
        default 0;
        ~*no-(cache|store) 1;
    }}
    map $upstream_cache_status $told {{
        HIT "; hit";
        MISS "; fwd=uri-miss";
        EXPIRED "; fwd=stale";
        REVALIDATED "; fwd=stale; fwd-status=304";
        default "; fwd=request";
    }}
    upstream api {{
        server {HOST}:{self._api_port};
        keepalive 256;
        keepalive_requests 100000000;
    }}
    server {{
        {listening}
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Connection "";
        proxy_read_timeout 60s;
        location / {{
            proxy_pass http://api;
        }}
        location ~ ^/v1/(users|products|analytics)/ {{
            proxy_pass http://api;
            proxy_cache lookups;
            proxy_cache_key $request_uri;
            proxy_cache_bypass $past_the_cache;
            proxy_cache_lock on;
            proxy_cache_revalidate on;
            add_header Cache-Status nginx$told always;
        }}
        location = {_STATUS} {{
            stub_status;
        }}
    }}
}}
"""


def cache_files(data: Path) -> Path:
    """Return where nginx keeps answers, below a stack's *data*; what is removed there is fetched anew."""
    return data / "http-cache" / "answers"


def forget_answers(data: Path) -> None:
    """Remove all answers that the cache of a stack has; does nothing where there is none."""
    for folder in cache_files(data).glob("*"):
        for answer in folder.glob("*/*"):
            answer.unlink(missing_ok=True)


def program() -> str:
    """Return nginx's program; raises `ServerFailed` where there is none, or an old one."""
    found = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_PROGRAMS]))
    if found is None:
        raise ServerFailed("an HTTP cache needs nginx, which is not installed: install it, or leave --http-cache out")
    numbers = tuple(int(part) for part in version(found).split(" ")[-1].split(".")[:2] if part.isdigit())
    if numbers < _OLDEST:
        raise ServerFailed(
            f"an HTTP cache needs nginx {'.'.join(map(str, _OLDEST))} or later, and not {version(found)}"
        )
    return found


def version(nginx: str) -> str:
    """Return what *nginx* says that it is, such as ``nginx 1.22.1``."""
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, timeout=10, check=False).stderr
    number = re.search(r"nginx/([0-9.]+)", said)
    return f"nginx {number[1] if number else '0'}"


def _user() -> str:
    """Return what keeps the user of a worker that would change it; only root's workers would."""
    return "user root;\n" if os.geteuid() == 0 else ""


def _open_files() -> int:
    import resource  # noqa: PLC0415 - not there on every system on which this module is read

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)
