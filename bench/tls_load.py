"""Load over TLS from a process of its own: kept connections, or a new handshake for each request.

    python -m bench.tls_load PORT HOST TARGET (kept | new) REQUESTS

The certificate is not verified: that would be the load's own cost.
"""

import argparse
import asyncio
import ssl

import uvloop

CONNECTIONS = 8


def context() -> ssl.SSLContext:
    """A client's, without sessions of before."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.options |= ssl.OP_NO_TICKET
    return made


async def ask(port: int, host: str, target: str, requests: int, *, kept: bool) -> None:
    """Ask so often, some at a time.  Raises what goes wrong."""
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Googlebot/2.1\r\n\r\n".encode()
    own = context()

    async def opened() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", port, ssl=own, server_hostname=host)

    async def visitor() -> None:
        pair = await opened() if kept else None
        for _ in range(requests // CONNECTIONS):
            reader, writer = pair or await opened()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            if pair is None:
                writer.transport.abort()
        if pair is not None:
            pair[1].close()

    async with asyncio.timeout(120):
        await asyncio.gather(*(visitor() for _ in range(CONNECTIONS)))


def main() -> None:
    parser = argparse.ArgumentParser("bench.tls_load", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("host")
    parser.add_argument("target")
    parser.add_argument("way", choices=("kept", "new"))
    parser.add_argument("requests", type=int)
    options = parser.parse_args()
    kept = options.way == "kept"
    uvloop.run(ask(options.port, options.host, options.target, options.requests, kept=kept))


if __name__ == "__main__":
    main()
