"""A network of our own whose cable can be pulled: an origin at its far end, an edge at the near one.

Run as `unshare --user --map-root-user --net python namespaces.py`: nothing outside is touched.  Prints, as JSON, what
visitors got before, while and after the cable was pulled.  A pulled cable says nothing: no reset, no refusal.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a file

import uvloop

from tests.passing_peers.edges import edge, get, upstream

ORIGIN = """
import asyncio, subprocess, sys
sys.stdin.readline()  # until the cable is in
for command in ("ip link set lo up", "ip addr add 10.99.0.2/24 dev far", "ip link set far up"):
    subprocess.run(command.split(), check=True)
async def serve(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            if b"/long" in head.partition(b"\\r\\n")[0]:
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 100000000\\r\\n\\r\\n")
                while True:
                    writer.write(b"x" * 10_000)
                    await writer.drain()
                    await asyncio.sleep(0.01)
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
async def main():
    await asyncio.start_server(serve, "10.99.0.2", 80)
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def run(command: str) -> None:
    subprocess.run(command.split(), check=True)


async def visits(far: int) -> dict[str, str]:
    """What visitors get."""
    to = upstream(
        1,
        origins=[{"url": "http://10.99.0.2"}],
        allow_networks=["10.99.0.0/24"],
        attempts=1,
        timers={"connect": 1.0, "first_byte": 1.0, "idle": 1.0},
        breaker={"failures": 100},
    )
    found: dict[str, str] = {}
    async with edge(to) as ours:

        async def ask(name: str) -> None:
            found[name] = (await ours.ask(get())).partition(b"\r\n")[0].decode()

        await ask("before")
        reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
        writer.write(get("/long"))
        await reader.readexactly(50_000)
        run(f"nsenter --target {far} --net ip link set far down")
        await ask("kept")  # on the connection of before
        await ask("new")
        try:
            async with asyncio.timeout(20):
                while await reader.read(1 << 20):
                    pass
            found["long"] = "ended"
        except ConnectionError:
            found["long"] = "cut"
        writer.close()
        run(f"nsenter --target {far} --net ip link set far up")
        await asyncio.sleep(0.2)
        for _ in range(20):  # until the neighbour is found again
            await ask("after")
            if "200" in found["after"]:
                break
    return found


def main() -> None:
    run("ip link set lo up")
    command = ["unshare", "--net", sys.executable, "-c", ORIGIN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as origin:
        assert origin.stdin is not None
        assert origin.stdout is not None
        try:
            while Path(f"/proc/{origin.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
                pass
            run("ip link add near type veth peer name far")
            run(f"ip link set far netns {origin.pid}")
            run("ip addr add 10.99.0.1/24 dev near")
            run("ip link set near up")
            origin.stdin.write(b"\n")
            origin.stdin.flush()
            assert origin.stdout.readline() == b"ready\n"
            print(json.dumps(uvloop.run(visits(origin.pid))))
        finally:
            origin.kill()


if __name__ == "__main__":
    main()
