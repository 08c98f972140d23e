"""Fetched archives: resumed after a cut, checked, from the next mirror if need be, whole or not at all."""

import hashlib
import http.server
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from repro.errors import DataError, StoreError
from repro.executing import fetch as fetching
from repro.executing.fetch import Archive, archives, fetch

CONTENT = bytes(range(256)) * 40  # 10 kB
FILE = "data.tar.gz"


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves what its path says: /whole, /cut (half of it), /wrong, /long, /ignores-range, /gone, /refuses, …"""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        first = int(re.sub(r"\D", "", self.headers.get("Range", "0")))
        content = {"/wrong": CONTENT[::-1], "/long": CONTENT + CONTENT}.get(self.path, CONTENT)
        if self.path == "/slow":
            time.sleep(0.3)  # long enough for others to ask, if they were let
        if self.path == "/hangs":
            return self.server.closing.wait(30)
        if self.path == "/page":
            return self.page("text/html")
        if self.path == "/short":
            return self.page("application/gzip")
        if self.path == "/gone":
            return self.send_error(404)
        if self.path == "/refuses" and first:
            return self.send_error(416)
        if self.path == "/ignores-range":
            first = 0
        self.send_response(206 if first else 200)
        rest = content[first:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: len(rest) // 2] if self.path == "/cut" else rest)
        return None

    def page(self, kind):
        """Another, shorter text with code 200, whatever the range: all is well, it says."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(b"<html>We are away.</html>" * 9)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.asked, server.closing = [], threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


@pytest.fixture
def archive(server):
    """Call it with paths of mirrors."""
    place = f"http://127.0.0.1:{server.server_port}"

    def make(*paths):
        return Archive(
            file=FILE,
            bytes=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            md5=hashlib.md5(CONTENT).hexdigest(),
            urls=tuple(path if "://" in path else place + path for path in paths),
        )

    return make


def got(archive, folder):
    told = []
    assert fetch(archive, folder, told.append)
    assert (folder / FILE).read_bytes() == CONTENT
    assert {path.name for path in folder.iterdir()} == {FILE, f".{FILE}.lock"}
    return told


def test_an_archive_is_fetched_whole(archive, tmp_path):
    told = got(archive("/whole"), tmp_path / "new" / "folder")
    assert told[0].startswith(f"fetching {FILE} from http://127.0.0.1")


def test_what_is_there_is_not_fetched_again(archive, server, tmp_path):
    (tmp_path / FILE).write_bytes(CONTENT)
    assert not fetch(archive("/whole"), tmp_path, print)
    assert server.asked == []


def test_another_file_under_its_name_is_refused_and_left(archive, tmp_path):
    (tmp_path / FILE).write_text("mine")
    with pytest.raises(DataError, match="truncated or altered .* delete it first"):
        fetch(archive("/whole"), tmp_path, print)
    assert (tmp_path / FILE).read_text() == "mine"


def test_a_download_that_was_cut_is_resumed_where_it_ended(archive, server, tmp_path):
    got(archive("/cut", "/whole"), tmp_path)
    ranges = [asked for _, asked in server.asked]
    assert ranges == [None, "bytes=5120-", "bytes=7680-", "bytes=8960-"]


def test_another_call_resumes_too(archive, server, tmp_path):
    with pytest.raises(DataError, match=r"0 MB are kept, and the same command goes on from there"):
        fetch(archive("/cut"), tmp_path, print)
    assert not (tmp_path / FILE).exists()
    server.asked.clear()
    got(archive("/whole"), tmp_path)
    assert server.asked == [("/whole", "bytes=8960-")]


@pytest.mark.parametrize("path", ["/ignores-range", "/refuses"])
def test_a_mirror_that_cannot_resume_sends_all_of_it(archive, tmp_path, path):
    (tmp_path / f".{FILE}.part").write_bytes(CONTENT[:100])
    if path == "/refuses":
        with pytest.raises(DataError, match="HTTP 416"):
            fetch(archive(path), tmp_path, print)
        assert not (tmp_path / f".{FILE}.part").exists()
    got(archive(path), tmp_path)


@pytest.mark.parametrize("path", ["/wrong", "/long"])
def test_another_file_is_refused_and_the_next_mirror_asked_for_all_of_it(archive, server, tmp_path, path):
    told = got(archive(path, "/whole"), tmp_path)
    assert any("what it sent is another file" in line for line in told)
    assert server.asked == [(path, None), ("/whole", None)]


def test_a_part_that_is_damaged_is_thrown_away(archive, tmp_path):
    (tmp_path / f".{FILE}.part").write_bytes(CONTENT[::-1][:100])
    got(archive("/whole"), tmp_path)


def test_a_part_that_an_earlier_call_left_whole_and_wrong_is_fetched_anew(archive, tmp_path):
    (tmp_path / f".{FILE}.part").write_bytes(CONTENT[::-1])
    got(archive("/whole"), tmp_path)


def test_with_all_mirrors_dead_one_line_says_what_to_do_by_hand(archive, tmp_path):
    dead = archive("/gone", "http://127.0.0.1:9/", "no-such-scheme://x")
    with pytest.raises(DataError) as error:
        fetch(dead, tmp_path, print)
    message = str(error.value)
    for part in (
        "HTTP 404",
        "refused",
        "unknown url type",
        f"curl -L -o {dead.file} '{dead.urls[-1]}'",
        dead.sha256,
        f"copy it into {tmp_path}",
    ):
        assert part in message
    assert "\n" not in message and not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/gone", "HTTP 404 Not Found"),
        ("/page", "it sent a web page, and not the file"),
        ("/short", "it ended after 225 of 10240 bytes"),
        ("/hangs", "timed out"),
        ("/wrong", "what it sent is another file"),
    ],
)
def test_a_mirror_that_fails_is_told_in_one_line_and_the_next_one_has_it(archive, tmp_path, monkeypatch, path, why):
    monkeypatch.setattr(fetching, "SILENCE", 0.2)
    told = got(archive(path, "/whole"), tmp_path)
    assert sum(why in line for line in told) == 1


def test_the_only_mirror_is_not_blamed_for_what_another_sent_before(archive, server, tmp_path):
    got(archive("/short", "/whole"), tmp_path)
    assert server.asked[-2:] == [("/whole", "bytes=225-"), ("/whole", None)]


def test_a_web_page_does_not_spoil_what_was_fetched_before(archive, server, tmp_path):
    (tmp_path / f".{FILE}.part").write_bytes(CONTENT[:100])
    got(archive("/page", "/whole"), tmp_path)
    assert server.asked == [("/page", "bytes=100-"), ("/whole", "bytes=100-")]


def test_a_full_disk_is_no_fault_of_the_mirror(archive, server, tmp_path, monkeypatch):
    opened = Path.open

    def full(self, *given):
        return opened(Path("/dev/full"), "wb", 0) if self.name.endswith(".part") else opened(self, *given)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreError, match=r"data\.tar\.gz\.part cannot be written: No space left on device\. Free some"):
        fetch(archive("/whole", "/whole"), tmp_path, print)
    assert len(server.asked) == 1


def test_of_two_calls_at_once_one_fetches(archive, server, tmp_path):
    one, results = archive("/slow"), []
    threads = [threading.Thread(target=lambda: results.append(fetch(one, tmp_path, print))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]
    assert server.asked == [("/slow", None)]


BYTES_AS_TEXT = '[cifar10]\nfile = "a"\nbytes = "3"\nsha256 = "b"\nmd5 = "c"\nurls = ["d"]\n'


@pytest.mark.parametrize("text", ["", "[cifar10]\nfile = 3", "no toml", "cifar10 = 3", BYTES_AS_TEXT])
def test_a_damaged_list_of_mirrors_is_refused(tmp_path, text):
    (tmp_path / "mirrors.toml").write_text(text)
    if text:
        with pytest.raises(DataError, match="is not a list of mirrors"):
            archives(tmp_path / "mirrors.toml")
    else:
        assert archives(tmp_path / "mirrors.toml") == {}


NETWORK = re.compile(r"^\s*(?:import|from) (?:urllib\.request|http\.client|ftplib|requests)\b", re.MULTILINE)


def test_nothing_else_uses_a_network_and_only_the_command_line_fetches():
    root = Path(fetching.__file__).parents[1]
    modules = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*.py")}
    assert {name for name, text in modules.items() if NETWORK.search(text)} == {"executing/fetch.py"}
    fetching_ones = {name for name, text in modules.items() if re.search(r"executing(?:\.| import )fetch\b", text)}
    assert fetching_ones == {"cli/data.py", "cli/completion.py"}


def test_an_archive_of_no_mirrors_is_not_there(archive, tmp_path):
    with pytest.raises(DataError, match="no mirror has data.tar.gz"):
        fetch(replace(archive("/whole"), urls=()), tmp_path, print)
