"""Servers that people really run, each on a free port of its own: nginx, Apache, Node, uvicorn."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; client_max_body_size 0; gzip on; gzip_proxied any; gzip_types text/plain;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port}; root {folder}/www;
    location /moved {{ return 302 http://127.0.0.1:{port}/here; }}
    location /cookies {{ add_header Set-Cookie "a=1; Path=/"; add_header Set-Cookie "b=2; HttpOnly"; return 200 "ok"; }}
    location /empty {{ return 204; }}
    location /upload {{ return 200 "$request_method $content_length"; }}
    location /chunked {{ chunked_transfer_encoding on; gzip on; gzip_min_length 1; try_files /text.txt =404; }}
  }}
}}
"""

APACHE = """
ServerRoot "{folder}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{folder}/apache.pid"
ErrorLog "{folder}/error.log"
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule dir_module {modules}/mod_dir.so
DocumentRoot "{folder}/www"
Redirect 302 /moved http://127.0.0.1:{port}/here
Redirect 204 /empty
KeepAlive On
MaxKeepAliveRequests 0
<Location "/cookies">
  Header always add Set-Cookie "a=1; Path=/"
  Header always add Set-Cookie "b=2; HttpOnly"
</Location>
<Directory "{folder}/www">
  Require all granted
</Directory>
"""

NODE = """
const http = require('http');
http.createServer((request, response) => {
  if (request.url === '/trailers') {
    response.writeHead(200, {'Trailer': 'X-Sum'});
    response.write('hello'); response.addTrailers({'X-Sum': 'abc'}); return response.end();
  }
  if (request.url === '/hints') {
    return response.writeEarlyHints({link: '</style.css>; rel=preload'}, () => response.end('hinted'));
  }
  if (request.url === '/cookies') {
    response.setHeader('Set-Cookie', ['a=1; Path=/', 'b=2; HttpOnly']);
    return response.end('ok');
  }
  if (request.url === '/empty') { response.writeHead(204); return response.end(); }
  if (request.url === '/moved') { response.writeHead(302, {Location: '/here'}); return response.end(); }
  let size = 0;
  request.on('data', piece => { size += piece.length; });
  request.on('end', () => { response.setHeader('X-Method', request.method); response.end(String(size)); });
}).listen(Number(process.argv[2]), '127.0.0.1');
"""

UVICORN = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    status, headers, body = 200, [(b"x-method", scope["method"].encode()), (b"x-path", scope["raw_path"])], b"%d" % size
    match scope["path"]:
        case "/cookies":
            headers += [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; HttpOnly")]
        case "/moved":
            status, headers = 302, [*headers, (b"location", b"/here")]
        case "/empty":
            status, body = 204, b""
        case "/text.txt":
            body = b"xin chao " * 200
    if scope["path"] not in {"/bytes.bin", "/empty"}:  # one in chunks, one without a body
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": scope["path"] == "/bytes.bin"})
    if scope["path"] == "/bytes.bin":
        await send({"type": "http.response.body", "body": bytes(range(256)) * 10})
"""

APACHE_MODULES = "/usr/lib/apache2/modules"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def content(folder: Path) -> None:
    """What the servers of files serve."""
    (folder / "www" / "cookies").mkdir(parents=True, exist_ok=True)
    (folder / "www" / "text.txt").write_text("xin chào " * 200, "utf-8")
    (folder / "www" / "bytes.bin").write_bytes(bytes(range(256)) * 1_000)


def command(kind: str, folder: Path, port: int) -> list[str] | None:
    """How a server is started, its files written; None where it is not installed."""
    content(folder)
    values: Mapping[str, object] = {"folder": folder, "port": port, "modules": APACHE_MODULES}
    if kind == "uvicorn":
        (folder / "asgi.py").write_text(UVICORN)
        options = ["--host", "127.0.0.1", "--port", str(port), "--http", "h11", "--log-level", "critical"]
        return [sys.executable, "-m", "uvicorn", "asgi:app", *options]
    program = shutil.which({"apache": "apache2"}.get(kind, kind))
    if program is None:
        return None
    match kind:
        case "nginx":
            (folder / "nginx.conf").write_text(NGINX.format(**values))
            return [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        case "apache":
            (folder / "apache.conf").write_text(APACHE.format(**values))
            return [program, "-f", str(folder / "apache.conf"), "-DFOREGROUND"]
        case _:
            (folder / "server.js").write_text(NODE)
            return [program, str(folder / "server.js"), str(port)]


@asynccontextmanager
async def real_origin(kind: str, folder: Path) -> AsyncIterator[int | None]:
    """The port of a running server; None where it is not installed."""
    port = free_port()
    start = command(kind, folder, port)
    if start is None:
        yield None
        return
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(start, stdout=output, stderr=output, cwd=folder)  # noqa: ASYNC220 - a start takes no time
        try:
            for _ in range(200):
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
