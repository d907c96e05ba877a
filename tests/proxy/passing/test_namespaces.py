"""A cable that is pulled: nobody says that the origin has gone, and clocks alone notice."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.passing_peers import namespaces

pytestmark = pytest.mark.clocked


UNSHARE = ["unshare", "--user", "--map-root-user", "--net"]


def permitted() -> bool:
    if shutil.which("unshare") is None or shutil.which("ip") is None or shutil.which("nsenter") is None:
        return False
    tried = "ip link add near type veth peer name far"
    return subprocess.run([*UNSHARE, "sh", "-c", tried], capture_output=True, check=False).returncode == 0


def test_a_pulled_cable_is_noticed_in_time_and_a_mended_one_is_used_again() -> None:
    if not permitted():
        pytest.skip("this machine lets us make no network of our own: unshare --user --net, ip link add type veth")
    done = subprocess.run(
        [*UNSHARE, sys.executable, str(Path(namespaces.__file__))], capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["before"] == "HTTP/1.1 200 OK"
    assert found["kept"].startswith("HTTP/1.1 504")
    assert found["new"][:12] in {"HTTP/1.1 504", "HTTP/1.1 502"}
    assert found["long"] == "cut"  # never taken for a whole file
    assert found["after"] == "HTTP/1.1 200 OK"
