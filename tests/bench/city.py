# SPDX-License-Identifier: Apache-2.0
"""A city of the bench: its daemon, its API, and what the daemon's process used."""
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time

START_S_MAX = 20
WAIT_S_MAX = 280
TICKS = os.sysconf("SC_CLK_TCK")


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout=120):
        super().__init__("hansa", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Reads:
    """GET after GET over one connection, with no more Python between than must be."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def get(self, path):
        """Milliseconds until the whole answer is here."""
        began = time.monotonic()
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: hansa\r\n\r\n".encode())
        text = b""
        while b"\r\n\r\n" not in text:
            text += self.more()
        head, body = text.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"GET {path}: {head[:100]!r}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        got = len(body)
        while got < length:
            got += len(self.more())
        return (time.monotonic() - began) * 1000

    def more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise RuntimeError("the connection was closed")
        return data


class City:
    """One daemon. Everything through `hansa` and the control API, as a user's client would."""

    def __init__(self, programs, root, slug):
        self.programs = programs
        self.slug = slug
        self.folder = os.path.join(root, slug)
        self.socket = os.path.join(self.folder, "control.sock")
        self.environment = dict(os.environ, HOME=root)
        self.process = None
        self.fingerprint = self.hansa("init", "--city", slug, "--slug", slug, "--country", "HU",
                                      "--data", self.folder, "--listen", "127.0.0.1:0",
                                      daemon=False)["fingerprint"]

    def hansa(self, *words, daemon=True, text=False):
        command = [os.path.join(self.programs, "hansa")]
        if daemon:
            command += ["--socket", self.socket]
        command += words if text else [*words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120,
                              env=self.environment)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout if text else json.loads(done.stdout)

    def start(self):
        """Starts the daemon; seconds until its API answers."""
        began = time.monotonic()
        with open(self.folder + ".log", "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.programs, "hansad"), "--config",
                 os.path.join(self.folder, "hansad.yaml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        while True:
            try:
                self.get("/healthz")
                return time.monotonic() - began
            except (OSError, http.client.HTTPException) as error:
                if self.process.poll() is not None or time.monotonic() - began > START_S_MAX:
                    raise RuntimeError(f"{self.slug} does not start: see {self.folder}.log") \
                        from error
                time.sleep(0.0005)

    def stop(self):
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def store_path(self):
        return os.path.join(self.folder, "store", "data.mdb")

    def store_bytes(self):
        """What the database takes on the disk."""
        return os.stat(self.store_path()).st_blocks * 512

    def drop_cache(self):
        """Nothing of the database stays in memory. Not while it runs: what is mapped stays."""
        with open(self.store_path(), "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def disk_bytes(self):
        """What the daemon made the disk read since its start."""
        with open(f"/proc/{self.process.pid}/io", encoding="ascii") as source:
            return int(source.read().split("\nread_bytes: ")[1].split()[0])

    def request(self, method, path, body=None, headers=None):
        """(status, body's bytes)."""
        connection = Connection(self.socket)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path):
        status, body = self.request("GET", path)
        if status not in (200, 202):
            raise RuntimeError(f"GET {path}: {status} {body[:200]!r}")
        return json.loads(body)

    def status(self):
        return self.get("/v1/status")

    def held(self, of, lane="doc"):
        """How many records of a city's lane are durable here."""
        return sum(feed["seq"] for feed in self.status()["feeds"]
                   if feed["city"] == of.slug and feed["lane"] == lane)

    def peer(self, other):
        for peer in self.status()["peers"]:
            if peer["city"] == other.slug and peer["state"] == "live":
                return peer
        return None

    def upload(self, size, seed):
        """Stores an attachment of so many bytes; its id."""
        block = bytearray(os.urandom(1 << 20))

        def blocks():
            for number in range(size >> 20):
                block[:16] = f"{seed:08x}{number:08x}".encode()
                yield bytes(block)

        status, body = self.request(
            "POST", "/v1/attachments", blocks(),
            {"Content-Type": "application/octet-stream", "Content-Length": str(size)})
        if status != 201:
            raise RuntimeError(f"attachment: {status} {body[:200]!r}")
        return json.loads(body)["id"]

    def publish(self, network, record):
        status, body = self.request("POST", f"/v1/networks/{network}/records",
                                    json.dumps(record), {"Content-Type": "application/json"})
        if status != 201:
            raise RuntimeError(f"publish: {status} {body[:200]!r}")
        return json.loads(body)["id"]


class Usage:
    """What daemons use while it is open: CPU of each thread by name, peak of anonymous memory."""

    def __init__(self, *cities):
        self.cities = cities
        self.peak = {city.slug: 0 for city in cities}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)

    def __enter__(self):
        self.before = self.cpu_now()
        self.began = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.seconds = time.monotonic() - self.began
        self.ended.set()
        self.thread.join()
        after = self.cpu_now()
        self.cpu = {slug: {name: seconds - self.before[slug].get(name, 0)
                           for name, seconds in threads.items()}
                    for slug, threads in after.items()}

    def cpu_now(self):
        return {city.slug: threads_cpu(city.process.pid) for city in self.cities}

    def sample(self):
        round_number = 0
        while True:
            for city in self.cities:
                self.peak[city.slug] = max(
                    self.peak[city.slug],
                    anonymous_bytes(city.process.pid, precise=round_number % 50 == 0))
            if self.ended.wait(0.02):
                return
            round_number += 1

    def peak_mib(self):
        return {slug: peak / (1 << 20) for slug, peak in self.peak.items()}


def threads_faults(pid):
    """How often each thread's name had to wait for a page from the disk."""
    faults = {}
    folder = f"/proc/{pid}/task"
    for task in os.listdir(folder):
        with open(f"{folder}/{task}/stat", encoding="ascii") as source:
            text = source.read()
        name = text[text.index("(") + 1:text.rindex(")")] if int(task) != pid else "loop"
        faults[name] = faults.get(name, 0) + int(text[text.rindex(")") + 2:].split()[9])
    return faults


def threads_cpu(pid):
    """Seconds of CPU of each thread's name; libuv's workers add up."""
    used = {}
    folder = f"/proc/{pid}/task"
    for task in os.listdir(folder):
        try:
            with open(f"{folder}/{task}/stat", encoding="ascii") as source:
                text = source.read()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        fields = text[text.rindex(")") + 2:].split()
        if int(task) == pid:
            name = "loop"
        used[name] = used.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICKS
    return used


def cpu_seconds(pid):
    """CPU of the whole process, to the nanosecond: the clock ticks of `stat` are 10 ms."""
    used = 0
    folder = f"/proc/{pid}/task"
    for task in os.listdir(folder):
        try:
            with open(f"{folder}/{task}/schedstat", encoding="ascii") as source:
                used += int(source.read().split()[0])
        except OSError:
            continue
    return used / 1e9


def anonymous_bytes(pid, precise):
    """RssAnon; now and then the exact sum of smaps_rollup, which the kernel walks for."""
    name, key = ("smaps_rollup", "Anonymous:") if precise else ("status", "RssAnon:")
    try:
        with open(f"/proc/{pid}/{name}", encoding="ascii") as source:
            for line in source:
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def values_of(text):
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2:
            found[words[0]] = float(words[1])
    return found


def wait(condition, what, pause=0.005):
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > WAIT_S_MAX:
            raise RuntimeError(f"{what} did not come within {WAIT_S_MAX} s")
        time.sleep(pause)
