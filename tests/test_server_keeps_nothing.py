"""Media stay in memory: what the server's processes do to the file system, seen by strace, while media are sent."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from fakes import eventually
from perception import spoken
from server_process import HAPPY_CLIP, jpeg, serving, wav

pytestmark = pytest.mark.slow

CALLS = "open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat"
WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE|creat\(|mk\w+\(|rename\w*\(|link\w*\(|mknod\w*\(")
HARMLESS = re.compile(r'"/dev/(null|shm/sem\.)|"/proc/self/|ENOENT|EEXIST')


@pytest.fixture
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed; run: apt-get install strace")
    if subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, timeout=120).returncode:
        pytest.skip("strace may not trace processes here")
    return found


def test_uploads_are_never_written_to_a_file_system(tmp_path: Path, strace: str) -> None:
    trace = tmp_path / "trace"
    empty = tmp_path / "cwd"
    empty.mkdir()
    large = np.random.default_rng(1).integers(0, 255, (2000, 2000)).astype(np.uint8)
    watched = [strace, "-D", "-f", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(trace)]
    with serving(tmp_path, before=watched, cwd=empty) as server:
        with server.client() as client:
            assert client.get("/healthz").status_code == 200
            before = len(trace.read_text().splitlines())
            for _ in range(2):
                sent = jpeg(large)  # above the 1 MB at which forms usually go to a file
                assert len(sent) > 2**20
                assert client.post("/v1/face?compare=true", files={"picture": sent}).status_code == 200
                assert client.post("/v1/face", content=sent).status_code == 200
                assert client.post("/v1/speech", files={"audio": wav(spoken(40.0))}).status_code == 200
                films = {"video": HAPPY_CLIP.read_bytes()}
                assert client.post("/v1/fused?compare=true", files=films).status_code == 200
                assert client.post("/v1/speech", files={"audio": b"OggS" + bytes(2**21)}).status_code == 422
        eventually(lambda: "/proc/self/fd/" in trace.read_text())  # it does see what is opened
        written = [line for line in trace.read_text().splitlines()[before:] if WRITING.search(line)]
    assert [line for line in written if not HARMLESS.search(line)] == []
    assert list(empty.iterdir()) == []
