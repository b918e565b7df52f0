"""The TLS front of a node in tests: nginx with the very configuration that an administrator installs.

`deploy/nginx.conf` is taken as it is; only what differs on every machine is put in: name, certificate, addresses and
the node's port. A directive that breaks federation behind nginx therefore breaks these tests.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.fediverse.ground import Ground
from tests.fediverse.processes import Process, until
from tests.missing import missing

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"

AROUND = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {folder}/site.conf;
}}
"""


def require_nginx() -> str:
    """The nginx to use. Without one a test is skipped at home; where CI runs, that is a failure."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        missing("nginx is not installed (Debian: nginx-light)")
    return found


def render(
    text: str, *, name: str, address: str, port: int, plain_port: int, backend: str, chain: Path, key: Path
) -> str:
    """The site's configuration with this machine's names and addresses put in."""
    text = re.sub(r"^(\s*server_name\s+)[^;]+;", rf"\g<1>{name};", text, flags=re.M)
    text = re.sub(r"^\s*listen\s+\[::\][^;]*;.*\n", "", text, flags=re.M)
    text = re.sub(r"^(\s*listen\s+)443\b", rf"\g<1>{address}:{port}", text, flags=re.M)
    text = re.sub(r"^(\s*listen\s+)80\b", rf"\g<1>{address}:{plain_port}", text, flags=re.M)
    text = re.sub(r"^(\s*ssl_certificate\s+)[^;]+;", rf"\g<1>{chain};", text, flags=re.M)
    text = re.sub(r"^(\s*ssl_certificate_key\s+)[^;]+;", rf"\g<1>{key};", text, flags=re.M)
    return text.replace("127.0.0.1:8000", backend)


class Nginx:
    """One nginx for one host name, with the site that `site(address, certificate chain, key)` gives."""

    def __init__(self, ground: Ground, name: str, site: Callable[[str, Path, Path], str]) -> None:
        nginx = require_nginx()
        self.folder = ground.folder / f"front-{name}"
        self.folder.mkdir()
        chain, key = ground.certificate(name)
        address = ground.settle(name)
        (self.folder / "site.conf").write_text(site(address, chain, key))
        configuration = self.folder / "nginx.conf"
        user = "user root;\n" if os.geteuid() == 0 else ""
        configuration.write_text(user + AROUND.format(folder=self.folder))
        command = [nginx, "-p", str(self.folder), "-c", str(configuration), "-e", str(self.folder / "error.log")]
        self._process = Process(command, self.folder / "output.log", os.environ, self.folder)
        until(f"the front of {name} answers", lambda: self._open(address, ground.port), tell=self._process.tail)

    def _open(self, address: str, port: int) -> bool:
        import socket

        assert self._process.running, self._process.tail()
        try:
            socket.create_connection((address, port), 1).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Stop it."""
        self._process.stop()


class Front(Nginx):
    """A node's front. It stays when the node behind it dies, and answers 502 then."""

    def __init__(self, ground: Ground, name: str, backend_port: int) -> None:
        def site(address: str, chain: Path, key: Path) -> str:
            return render(
                CONFIGURATION.read_text(),
                name=name,
                address=address,
                port=ground.port,
                plain_port=80 if ground.port == 443 else _other_port(address, ground.port),
                backend=f"127.0.0.1:{backend_port}",
                chain=chain,
                key=key,
            )

        super().__init__(ground, name, site)


STATIC = """\
server {{
  listen {address}:{port} ssl;
  server_name {name};
  ssl_certificate {chain}; ssl_certificate_key {key};
  root {root};
  include /etc/nginx/mime.types;
}}
"""


class StaticFront(Nginx):
    """A folder of files behind TLS, such as a client that runs in the browser."""

    def __init__(self, ground: Ground, name: str, root: Path) -> None:
        def site(address: str, chain: Path, key: Path) -> str:
            return STATIC.format(address=address, port=ground.port, name=name, chain=chain, key=key, root=root)

        super().__init__(ground, name, site)


def _other_port(address: str, taken: int) -> int:
    from tests.fediverse.ground import free_port

    while (found := free_port(address)) == taken:
        pass
    return found
