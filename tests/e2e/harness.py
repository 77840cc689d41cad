# SPDX-License-Identifier: Apache-2.0
"""Real daemons for tests: cities, networks of cities, and links that can be cut.

    with Workspace() as space:
        federation = Federation(space, CITIES[:3])      # init, start, invite, join, confirm
        budapest, bratislava, prague = federation.cities
        budapest.publish("doc", path)
        wait_until(federation.agree, 30, "all three hold the same")

Every wait has a bound and says what it waited for; when it runs out, the logs' ends are shown. Each
city has a folder, a home and officer keys of its own. Ports are the kernel's choice. Whatever was
started is stopped by its pid when the program ends.
"""
import atexit
import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HANSA_BUILD", SOURCE / "build"))
DATA = SOURCE / "tests" / "data"
HANSAD = BUILD / "hansad"
HANSA = BUILD / "hansa"

CITIES = [
    ("Budapest", "budapest", "HU"),
    ("Bratislava", "bratislava", "SK"),
    ("Prague", "prague", "CZ"),
    ("Warsaw", "warsaw", "PL"),
]
NETWORK = "pact"

START_BOUND_S = 15
STOP_BOUND_S = 15
COMMAND_BOUND_S = 60
POLL_S = 0.01

_running = {}  # pid: Popen of every daemon that this program must stop
_cities = []  # those whose logs a failure shows


class Failure(AssertionError):
    """A wait that ran out, or a command that should have worked."""


def _stop_all():
    for process in list(_running.values()):
        if process.poll() is None:
            process.kill()
        process.wait()
    _running.clear()


def _on_signal(number, _frame):
    sys.exit(128 + number)


atexit.register(_stop_all)
if threading.current_thread() is threading.main_thread():
    for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(_number, _on_signal)


def log_ends(lines=15):
    """The last lines of every city's log, for a failure's message."""
    parts = []
    for city in _cities:
        if city.log_path.exists():
            end = city.log().splitlines()[-lines:]
            parts.append(f"--- log of {city.slug}\n" + "\n".join(end))
    return "\n".join(parts)


def wait_until(condition, bound_s, what):
    """Polls until condition() is true, and gives its value; raises Failure after bound_s."""
    end = time.monotonic() + bound_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {bound_s} s: {what}\n{log_ends()}")
        time.sleep(POLL_S)


class Workspace:
    """A temporary folder with a short path: a Unix socket's is at most 107 bytes."""

    def __init__(self, keep=False):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="hansa-"))
        self.keep = keep
        self.relays = []
        if not keep:
            atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.keep:
            return
        for relay in self.relays:
            relay.close()
        for city in [c for c in _cities if c.space is self]:
            city.kill()
            _cities.remove(city)
        shutil.rmtree(self.path, ignore_errors=True)


class Answer:
    """What the API answered."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def reason(self):
        return self.json()["error"]["reason"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=COMMAND_BOUND_S):
        super().__init__("hansa", timeout=timeout)
        self.socket_path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.socket_path)


class City:
    """One city: its folder, its daemon, and the command as its people would type it."""

    def __init__(self, space, name, slug, country, folder=None):
        self.space = space
        self.name, self.slug, self.country = name, slug, country
        self.dir = space.path / (folder or slug)
        self.home = space.path / f"{folder or slug}-home"
        self.home.mkdir()
        self.socket = self.dir / "control.sock"
        self.config = self.dir / "hansad.yaml"
        self.log_path = space.path / f"{folder or slug}.log"
        self.process = None
        self.program = HANSAD  # a test may put another in its place
        self.variables = {}  # of the daemon's environment
        self.prefix = ()  # words before the daemon's own: those that put it on another host
        self.listen = "127.0.0.1:0"
        self.fingerprint = None
        _cities.append(self)

    # -- commands

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("HANSA_")}
        env["HOME"] = str(self.home)
        env["XDG_CONFIG_HOME"] = str(self.home / ".config")
        return env

    def command(self, *arguments, input=None, bound_s=COMMAND_BOUND_S):
        """Runs `hansa ARGUMENT...` without --socket; the finished process, text out and err."""
        given = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(
            [str(HANSA), *map(str, arguments)], capture_output=True, text=True,
            env=self.environment(), timeout=bound_s, **given)

    def hansa(self, *arguments, code=0, input=None, bound_s=COMMAND_BOUND_S):
        """`hansa --socket … ARGUMENT...`, which must end with `code`; its standard output."""
        done = self.command("--socket", self.socket, *arguments, input=input, bound_s=bound_s)
        if done.returncode != code:
            raise Failure(
                f"{self.slug}: hansa {' '.join(map(str, arguments))}: exit {done.returncode}, "
                f"not {code}\n{done.stdout[-2000:]}{done.stderr[-2000:]}\n{log_ends()}")
        return done.stdout

    def bytes(self, *arguments):
        """The same, with a standard output that is no text."""
        done = subprocess.run(
            [str(HANSA), "--socket", str(self.socket), *map(str, arguments)], capture_output=True,
            stdin=subprocess.DEVNULL, env=self.environment(), timeout=COMMAND_BOUND_S)
        if done.returncode:
            raise Failure(f"{self.slug}: hansa {' '.join(map(str, arguments))}: exit "
                          f"{done.returncode}\n{done.stderr[-2000:]}\n{log_ends()}")
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.hansa(*arguments, "--json", **options))

    def background(self, *arguments, **options):
        """A command that goes on while the test does; a Popen."""
        return subprocess.Popen(
            [str(HANSA), "--socket", str(self.socket), *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.environment(), **options)

    def init(self):
        done = self.command(
            "init", "--city", self.name, "--slug", self.slug, "--country", self.country,
            "--data", self.dir, "--listen", self.listen, "--json")
        if done.returncode:
            raise Failure(f"hansa init: {done.stderr}")
        self.fingerprint = json.loads(done.stdout)["fingerprint"]
        return self

    def configure(self, text):
        """One key of hansad.yaml with its value, in the place of what stood there."""
        key = re.escape(text.split(":")[0])
        config = pathlib.Path(self.config)
        kept = re.sub(rf"^{key}:.*\n(?:[ -].*\n)*", "", config.read_text(encoding="utf-8"),
                      flags=re.MULTILINE)
        config.write_text(f"{kept.rstrip()}\n{text}\n", encoding="utf-8")

    # -- the daemon

    def start(self, wait=True, session=False):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*self.prefix, str(self.program), "--config", str(self.config)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**self.environment(), **self.variables}, cwd="/", start_new_session=session)
        log.close()
        _running[self.process.pid] = self.process
        if wait:
            self.wait_ready()
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.slug}: hansad ended with {self.process.returncode}\n{log_ends()}")
        try:
            return self.http("GET", "/healthz", bound_s=5).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self):
        wait_until(self.ready, START_BOUND_S, f"hansad of {self.slug} answers")

    def wait_end(self, bound_s=STOP_BOUND_S):
        """Waits for the daemon to end by itself; its exit code."""
        try:
            code = self.process.wait(bound_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.slug}: hansad did not end\n{log_ends()}") from None
        _running.pop(self.process.pid, None)
        self.process = None
        return code

    def stop(self):
        """SIGTERM, and an end with exit code 0 within the bound."""
        self.process.send_signal(signal.SIGTERM)
        code = self.wait_end()
        if code:
            raise Failure(f"{self.slug}: hansad ended with {code} at SIGTERM\n{log_ends()}")

    def kill(self):
        """SIGKILL, if it runs."""
        if self.process is None:
            return
        self.process.kill()
        self.wait_end()

    def restart(self):
        self.stop()
        self.start()

    def forget(self):
        """Leaves the daemon running when this program ends (`demo --keep`)."""
        _running.pop(self.process.pid, None)

    # -- what it says

    def connection(self, bound_s=COMMAND_BOUND_S):
        return UnixConnection(self.socket, bound_s)

    def http(self, method, path, body=None, media_type="application/json", bound_s=COMMAND_BOUND_S,
             connection=None):
        mine = connection or self.connection(bound_s)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            if isinstance(body, str):
                body = body.encode()
            mine.request(method, path, body, {"Content-Type": media_type} if body else {})
            answer = mine.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            if not connection:
                mine.close()

    def status(self):
        return self.http("GET", "/v1/status").json()

    def address(self):
        return self.status()["listen"][0]

    def peers(self):
        """{slug: state} of the links that are there."""
        peers = self.http("GET", "/v1/peers").json()["peers"]
        return {peer["city"]: peer["state"] for peer in peers}

    def linked(self, other):
        return self.peers().get(other.slug) == "live"

    def feeds(self):
        """{(network, city, lane): (seq, hash)} of all that have an entry."""
        return {
            (f["network"], f["city"], f["lane"]): (f["seq"], f["hash"])
            for f in self.status()["feeds"] if f["seq"]
        }

    def seq(self, city, lane, network=NETWORK):
        slug = city if isinstance(city, str) else city.slug
        return self.feeds().get((network, slug, lane), (0, None))[0]

    def member(self, slug, network=NETWORK):
        for member in self.http("GET", f"/v1/networks/{network}/members").json()["members"]:
            if member["city"] == slug:
                return member
        return None

    def record(self, record_id, connection=None):
        return self.http("GET", record_path(record_id), connection=connection)

    def raw(self, record_id, connection=None):
        """The bytes that were hashed, or None."""
        answer = self.http("GET", record_path(record_id) + "?raw=1", connection=connection)
        return answer.body if answer.status == 200 else None

    def attachment(self, record_id, attachment_id, connection=None):
        """Its bytes, or None while they are not all here."""
        path = f"{record_path(record_id)}/attachments/{attachment_id}"
        answer = self.http("GET", path, connection=connection)
        return answer.body if answer.status == 200 else None

    def records(self, kind=None, network=NETWORK):
        """Summaries of all records, newest first."""
        found, before = [], None
        while True:
            query = {"network": network, "limit": 1000}
            if kind:
                query["kind"] = kind
            if before:
                query["before"] = before
            page = self.http("GET", "/v1/records?" + urllib.parse.urlencode(query)).json()
            found += page["records"]
            before = page["next"]
            if not before:
                return found

    def publish(self, kind, path, network=NETWORK, *more):
        """`hansa publish KIND FILE --json`: the answer."""
        return self.json("publish", kind, path, "--network", network, *more)

    def post(self, record, network=NETWORK, connection=None):
        """One NewRecord through the API."""
        return self.http("POST", f"/v1/networks/{network}/records", record, connection=connection)

    def upload(self, data):
        """Bytes, or a file open for reading, as an attachment: {id, size}."""
        answer = self.http("POST", "/v1/attachments", data, "application/octet-stream", 600)
        if answer.status != 201:
            raise Failure(f"{self.slug}: upload: {answer.status} {answer.body[:300]}")
        return answer.json()

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def log_size(self):
        return self.log_path.stat().st_size

    def log_since(self, size):
        with open(self.log_path, "rb") as log:
            log.seek(size)
            return log.read().decode("utf-8", "replace")


def record_path(record_id):
    return "/v1/records/" + urllib.parse.quote(record_id, safe="/@")


def document(title, text="A text.", **more):
    """A NewRecord of a small document."""
    body = {"title": title, "language": "en", "media_type": "text/markdown", "text": text, **more}
    return {"kind": "doc", "body": body}


def alert(identifier, **more):
    """A NewRecord of a small alert."""
    body = {
        "identifier": identifier, "sender": "office@city.example",
        "sent": "2026-03-01T10:00:00+01:00", "status": "Exercise", "msgType": "Alert",
        "scope": "Public",
        "info": [{"language": "en", "category": ["Met"], "event": "Flood", "urgency": "Immediate",
                  "severity": "Severe", "certainty": "Observed", "headline": identifier,
                  "area": [{"areaDesc": "The quays"}]}],
        **more}
    return {"kind": "alert", "body": body}


class Federation:
    """Cities in one network: the first founds it and invites, the others join and are confirmed."""

    def __init__(self, space, names, prepare=None, linked=True, network=NETWORK, say=None,
                 on=None):
        self.space = space
        self.network = network
        self.cities = [City(space, *name) for name in names]
        self.say = say or (lambda text: None)
        for number, city in enumerate(self.cities):
            if on:
                on(number, city)
            city.init()
            if prepare:
                prepare(city)
            city.start()
        self.found()
        for city in self.cities[1:]:
            self.admit(city)
        if linked:
            wait_until(self.linked, 30, "every city has a link to every other")

    @property
    def founder(self):
        return self.cities[0]

    def found(self):
        self.founder.hansa("network", "create", "--name", "Pact of Free Cities", "--slug",
                           self.network)

    def invite(self, city, *more):
        return self.founder.hansa("invite", "--network", self.network, "--city", city.slug,
                                  *more).strip()

    def admit(self, city):
        city.hansa("join", self.invite(city))
        self.confirm(city)

    def confirm(self, city):
        # What an officer does after a telephone call.
        self.founder.hansa("confirm", city.slug, "--network", self.network, "--fingerprint",
                           city.fingerprint)

    def linked(self):
        for city in self.cities:
            live = {slug for slug, state in city.peers().items() if state == "live"}
            if live != {other.slug for other in self.cities if other is not city}:
                return False
        return True

    def agree(self):
        """Whether all hold the same heads of every feed."""
        first = self.cities[0].feeds()
        return all(city.feeds() == first for city in self.cities[1:])

    def wait_agree(self, bound_s=30):
        wait_until(self.agree, bound_s, "all cities hold the same heads")

    @staticmethod
    def cut(a, b):
        """No link between the two, until mend()."""
        a.hansa("peers", "--deny", b.slug)
        b.hansa("peers", "--deny", a.slug)
        wait_until(lambda: b.slug not in a.peers() and a.slug not in b.peers(), 10,
                   f"{a.slug} and {b.slug} have no link")

    @staticmethod
    def mend(a, b):
        a.hansa("peers", "--allow", b.slug)
        b.hansa("peers", "--allow", a.slug)

    def mismatches(self):
        """Compares every record and attachment byte for byte; what differs, as sentences."""
        return compare(self.cities, self.network)


def compare(cities, network=NETWORK):
    """What is not the same at all: stored bytes and body of every entry, bytes of attachments."""
    wrong = []
    connections = [city.connection() for city in cities]
    for (net, slug, lane), (seq, _) in sorted(cities[0].feeds().items()):
        for number in range(1, seq + 1):
            record_id = f"{net}/{slug}/{lane}/{number}"
            raws = [c.raw(record_id, connection=k) for c, k in zip(cities, connections)]
            if raws[0] is None or any(raw != raws[0] for raw in raws):
                wrong.append(f"{record_id}: {[raw and len(raw) for raw in raws]} bytes")
                continue
            records = [c.record(record_id, connection=k).json()
                       for c, k in zip(cities, connections)]
            for name in ("hash", "body", "topics", "time", "content_id"):
                if any(record[name] != records[0][name] for record in records):
                    wrong.append(f"{record_id}: {name} differs")
    for summary in cities[0].records(network=network):
        if not summary["attachments"]:
            continue
        record = cities[0].record(summary["id"]).json()
        for attachment in record["attachments"]:
            data = [
                wait_until(lambda c=c, k=k: c.attachment(summary["id"], attachment["id"], k), 30,
                           f"{c.slug} holds {attachment['name']} of {summary['id']}")
                for c, k in zip(cities, connections)
            ]
            if any(d != data[0] for d in data) or len(data[0]) != attachment["size"]:
                wrong.append(f"{summary['id']}: {attachment['name']} differs")
    for connection in connections:
        connection.close()
    return wrong


class Events:
    """A city's event stream, read by a thread as it comes."""

    def __init__(self, city, start=None):
        self.connection = city.connection(600)
        query = f"?from={start}" if start else ""
        self.connection.request("GET", "/v1/events" + query)
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            raise Failure(f"{city.slug}: events: {self.answer.status}")
        self.seen = []  # (monotonic time, name, data)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        name = None
        try:
            for line in self.answer:
                line = line.decode().rstrip("\r\n")
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    self.seen.append((time.monotonic(), name, json.loads(line[5:])))
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # the daemon ended, or close()

    def find(self, test):
        """The first (time, name, data) for which test(name, data), or None."""
        for seen in list(self.seen):
            if test(seen[1], seen[2]):
                return seen
        return None

    def close(self):
        try:
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass
        self.thread.join(5)
        self.connection.close()


class Relay:
    """A TCP way that a test controls: peers dial `address` and reach `target`.

    `limit` bytes a second to pace it, `cut()` ends all connections and refuses new ones, `hold()`
    passes nothing on and closes nothing (as a black hole does), `mend()` is as at first.
    """

    def __init__(self, space, target=None):
        self.target = target  # "host:port", may be set later
        self.limit = None
        self.bytes = 0
        self._open = threading.Event()
        self._open.set()
        self._refuse = False
        self._closed = False
        self._sockets = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        space.relays.append(self)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._refuse or not self.target:
                near.close()
                continue
            host, port = self.target.rsplit(":", 1)
            try:
                far = socket.create_connection((host, int(port)), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._sockets |= {near, far}
            for a, b in ((near, far), (far, near)):
                a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, source, sink):
        due = time.monotonic()
        try:
            while True:
                self._open.wait()
                data = source.recv(65536)
                self._open.wait()
                if not data:
                    break
                sink.sendall(data)
                self.bytes += len(data)
                if self.limit:
                    due = max(due, time.monotonic() - 0.05) + len(data) / self.limit
                    time.sleep(max(0, due - time.monotonic()))
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self._refuse = True
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for end in sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def hold(self):
        self._open.clear()

    def mend(self):
        self._refuse = False
        self._open.set()

    def close(self):
        self._closed = True
        self._open.set()
        self.cut()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()


def through_relay(city):
    """Peers are told a relay's address instead of the city's own; call before start()."""
    city.relay = Relay(city.space)
    city.configure(f"advertise:\n  - {city.relay.address}")


def relay_aim(city):
    """Once the daemon listens."""
    city.relay.target = city.address()


def b64(data):
    return base64.b64encode(data).decode()
