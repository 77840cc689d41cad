#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command of `hansa`: its help, its JSON, its exit codes, and what scripts of others rely on.

Exit codes: 0 done, 1 refused with one reason on standard error, 2 wrong usage, 3 no daemon.
"""
import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
import unicodedata

import harness
from harness import (BUILD, CITIES, DATA, HANSA, HANSAD, Federation, Workspace, alert,
                     document, wait_until)

# {command: (its options, its operands as they are typed)}
COMMANDS = {
    "init": ("city slug country data listen", ""),
    "key renew": ("force yes", ""),
    "network create": ("name slug", ""),
    "invite": ("network city key", ""),
    "join": ("", "TOKEN"),
    "confirm": ("network", "CITY"),
    "members": ("network", ""),
    "suspend": ("network", "CITY"),
    "resume": ("network", "CITY"),
    "remove": ("network", "CITY"),
    "quota": ("network city officer-key", "LANE RECORDS [BYTES]"),
    "publish": ("network attach topic", "doc|call|alert FILE..."),
    "import": ("network", "DIR"),
    "list": ("network city topic since open", "doc|call|alert"),
    "show": ("raw", "ID"),
    "get": ("output", "ID ATTACHMENT"),
    "export": ("as", "ID"),
    "bundle export": ("network output since for split seal", ""),
    "bundle import": ("", "FILE..."),
    "tail": ("from", ""),
    "peers": ("deny allow", ""),
    "reach": ("", ""),
    "status": ("", ""),
    "explain": ("", "ID"),
    "verify": ("", "FILE|ID"),
    "log": ("", ""),
}
AN_ALERT = sorted(DATA.glob("alerts/*"))[0]
A_DOCUMENT = sorted(DATA.glob("documents/*.md"))[0]
# Arguments with which each of them would go to the daemon.
CALLS = {
    "key renew": "", "network create": "--name Pact --slug pact",
    "invite": "--network pact --city bratislava", "join": "TOKEN",
    "confirm": "bratislava --network pact", "members": "--network pact",
    "suspend": "bratislava --network pact", "resume": "bratislava --network pact",
    "remove": "bratislava --network pact", "quota": "doc 100 --network pact",
    "bundle export": "--network pact --output /nonexistent/b.bundle",
    "bundle import": f"{A_DOCUMENT}", "publish": f"doc {A_DOCUMENT} --network pact",
    "import": f"{DATA}/bad --network pact", "list": "doc", "show": "pact/budapest/doc/1",
    "get": "pact/budapest/doc/1 a.pdf --output /nonexistent/a.pdf",
    "export": "pact/budapest/doc/1 --as json", "tail": "", "peers": "", "reach": "", "status": "",
    "explain": "pact/budapest/doc/1", "verify": "pact/budapest/doc/1", "log": "",
}
HEX64 = r"[0-9a-f]{64}"


def command(*arguments, environment=None, **options):
    """`hansa ARGUMENT...` of nobody: no home, no socket."""
    return subprocess.run([str(HANSA), *arguments], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **options,
                          env=environment or {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})


def one_reason(done, code):
    """Ended with `code`, and said why: one line, nothing on standard output."""
    what = " ".join(done.args[1:])
    assert done.returncode == code, f"{what}: exit {done.returncode}: {done.stderr}"
    assert done.stderr.startswith("hansa: ") and done.stderr.count("\n") == 1, (
        f"{what}: {done.stderr!r}")
    assert not done.stdout, f"{what}: {done.stdout}"
    return done.stderr


def help_pages():
    """Every command is there with the options that are promised, and says what it does."""
    overview = command("--help")
    assert overview.returncode == 0
    table = overview.stdout.split("\noptions")[0]
    listed = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S", table, re.M)
    assert listed == list(COMMANDS), listed
    for name, (options, operands) in COMMANDS.items():
        done = command(*name.split(), "--help")
        assert done.returncode == 0 and not done.stderr, f"{name}: {done.stderr}"
        usage, about = done.stdout.split("\n\n")[:2]
        assert usage.startswith(f"usage: hansa {name}{' ' if operands else ''}{operands}"), usage
        assert re.match(r"[A-Z].{10,}\.$", about), f"{name}: says not what it does: {about}"
        described = re.findall(r"^  --([a-z-]+)", done.stdout, re.M)
        for option in options.split() + ["json", "socket", "help"]:
            assert option in described, f"{name}: no --{option}"
            if option not in ("json", "socket", "help"):
                assert f"--{option}" in usage, f"{name}: --{option} is not in its usage"
        wide = [line for line in done.stdout.splitlines() if len(line) > 80]
        assert not wide, f"{name}: {wide}"
    return len(COMMANDS)


def usage():
    """What cannot be meant is refused before anything is asked or done."""
    cases = ["", "sing", "network", "key", "key rot", "list song", "list doc call", "show",
             "show pact", "show pact/budapest/doc/0", "get pact/budapest/doc/1", "export",
             "get pact/budapest/doc/1 a.pdf", "export pact/budapest/doc/1",
             "export pact/budapest/doc/1 --as pdf", "publish", "publish doc", "import",
             "import a b",
             "join", "confirm", "suspend", "explain", "verify", "status now", "tail --from",
             "list --since", "list --limit none", "list --limit 0", "log --lines -1",
             "peers --deny a --allow b", "network create --name Pact", "invite",
             "init --city Budapest", "status --raw", "list --colour", "status -x",
             "status --json=1",
             "publish song a.md", "network create --slug pact"]
    for case in cases:
        one_reason(command(*case.split()), 2)
    return len(cases)


def no_daemon(space):
    """Exit code 3 of each that needs one, whether nothing or nobody is at the socket."""
    left = space.path / "left.sock"
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(left))
    (space.path / "token").write_text("x")
    assert set(CALLS) | {"init"} == set(COMMANDS)
    for name, arguments in CALLS.items():
        for path in (space.path / "none.sock", left):
            said = one_reason(command("--socket", str(path), *name.split(), *arguments.split()), 3)
            assert str(path) in said, said


class Literal:
    """The lines of others' scripts, each argument as it is promised."""

    def __init__(self, space):
        self.space = space
        self.environment = {"PATH": f"{BUILD}:/usr/bin:/bin", "HOME": str(space.path)}
        self.daemons = []

    def run(self, line, code=0):
        done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60,
                              cwd=self.space.path, env=self.environment, stdin=subprocess.DEVNULL)
        assert done.returncode == code, f"{line}: exit {done.returncode}: {done.stderr}"
        return done.stdout

    def start(self, folder):
        log = open(self.space.path / f"{folder}.log", "wb")
        daemon = subprocess.Popen(["hansad", "--config", f"{folder}/hansad.yaml"], stderr=log,
                                  stdout=log, cwd=self.space.path, env=self.environment,
                                  executable=str(HANSAD), stdin=subprocess.DEVNULL)
        harness._running[daemon.pid] = daemon
        self.daemons.append(daemon)
        wait_until(lambda: self.up(folder), 15, f"hansad serves {folder}/control.sock")

    def up(self, folder):
        done = subprocess.run(["hansa", "--socket", f"{folder}/control.sock", "status", "--json"],
                              capture_output=True, text=True, cwd=self.space.path, timeout=60,
                              env=self.environment, executable=str(HANSA))
        assert done.returncode in (0, 3), done
        return done.returncode == 0

    def all(self):
        for program in ("hansad", "hansa"):
            assert os.access(BUILD / program, os.X_OK), f"./run build left no {program}"
        a, b = "a", "b"
        self.run("hansa init --city Budapest --slug budapest --country HU --data a "
                 "--listen 127.0.0.1:0")
        self.run("hansa init --city Bratislava --slug bratislava --country SK --data b "
                 "--listen 127.0.0.1:0")
        assert (self.space.path / a / "hansad.yaml").is_file()
        assert not self.run("hansad --config a/hansad.yaml --check").count("\n\n")
        for folder in (a, b):
            self.start(folder)
        self.run('hansa --socket a/control.sock network create --name "Pact" --slug pact')
        token = self.run("hansa --socket a/control.sock invite --network pact --city bratislava")
        assert re.fullmatch(r"[!-~]+\n", token), f"not the token alone: {token!r}"
        self.run(f"hansa --socket b/control.sock join {token.strip()}")
        path = sorted((DATA / "alerts").iterdir())[0]
        text = self.run(f"hansa --socket a/control.sock publish alert {path} --network pact --json")
        answer = json.loads(text)
        assert list(answer) == ["id", "hash"], answer
        assert answer["id"] == "pact/budapest/alert/1", answer
        assert re.fullmatch(HEX64, answer["hash"]), answer
        folder = self.space.path / "d"
        folder.mkdir()
        (folder / "good.md").write_text("# Good\n\nText.\n")
        (folder / "bad.bin").write_bytes(b"\0")
        report = json.loads(self.run("hansa --socket a/control.sock import d --network pact --json",
                                     code=1))
        assert (report["files"], report["accepted"]) == (2, 1), report
        assert [sorted(r) for r in report["refused"]] == [["file", "reason", "record"]], report
        assert report["refused"][0]["file"] == "bad.bin" and report["refused"][0]["reason"]
        (folder / "bad.bin").unlink()
        text = self.run("hansa --socket a/control.sock import d --network pact --json")
        report = json.loads(text)
        assert (report["files"], report["accepted"], report["refused"]) == (1, 0, []), report
        status = json.loads(self.run("hansa --socket a/control.sock status --json"))
        assert re.fullmatch(r"127\.0\.0\.1:[1-9][0-9]*", status["listen"][0]), status["listen"]
        self.end()

    def end(self):
        for daemon in self.daemons:
            daemon.terminate()
            assert daemon.wait(15) == 0
            harness._running.pop(daemon.pid)
        self.run("hansa --socket a/control.sock status", code=3)


# {arguments: the fields of its JSON}; what others need of a record or a city is promised.
SHAPES = {
    "status": "city store_epoch networks feeds peers store listen",
    "members": "members", "peers": "peers denied", "reach": "cities charters",
    "list doc": "records next",
    "show pact/budapest/doc/1": "id network city lane seq hash kind title time topics state "
                                "confirmed attachments body",
    "explain pact/budapest/doc/1": "id hash state origin head epoch arrival received source "
                                   "holders",
    "verify pact/budapest/doc/1": "verified id hash network_id network city fingerprint epoch head "
                                  "body",
    "log": "lines", "export pact/budapest/doc/1 --as json": "id hash body proof",
    "suspend prague --network pact": "number hash", "resume prague --network pact": "number hash",
    "peers --deny prague": "city denied", "peers --allow prague": "city denied",
    "invite --network pact --city warsaw": "token expires id",
    "invite --network pact --city warsaw --withdraw": "city withdrawn",
    "network create --name Other --slug other": "slug name network_id officer_key",
    "key renew": "node_key epochs",
    "remove prague --network pact": "number hash",
}
STATUS = {
    "feeds": "network city lane seq hash", "store": "records bytes free",
    "peers": "city state rtt_ms sent_bytes received_bytes acked_arrival last_heard",
}
# Refused with one reason, and words of it.
REFUSALS = {
    "show pact/budapest/doc/99": "no such record",
    "show nowhere/budapest/doc/1": "no network",
    "get pact/budapest/doc/1 none.pdf --output x": "no attachment 'none.pdf'",
    "export pact/budapest/doc/1 --as cap": "Only an alert",
    "export pact/budapest/alert/1 --as md": "Only a document",
    "key renew --force": "nothing to force",
    "explain pact/budapest/doc/99": "no such record", "members --network nowhere": "no network",
    "confirm nobody --network pact": "No city has joined",
    "suspend nobody --network pact": "no member", "peers --deny nobody": "has a city",
    "join x": "not an invitation", "list --since yesterday": "date", "tail --from x": "storeepoch",
    "tail --from ffffffffffffffff-1": "made anew", "import /nonexistent": "cannot be read",
    "publish doc /nonexistent.md": "cannot be read", "verify /nonexistent": "cannot be read",
    "verify " + str(A_DOCUMENT): "no JSON", "publish alert " + str(A_DOCUMENT):
    "is a document, and an alert was asked for",
    "invite --network pact --city bratislava": "has been used",
    "network create --name A --slug A": "short name",
    "publish call " + str(AN_ALERT): "is an alert, and a call was asked for",
}


def fields(value, names, what):
    missing = [name for name in names.split() if name not in value]
    assert not missing, f"{what}: no {missing} in {sorted(value)}"


def shapes(city):
    """JSON, and nothing else, on standard output of every command."""
    for arguments, names in SHAPES.items():
        fields(city.json(*arguments.split()), names, arguments)


def status(city, others):
    answer = city.json("status")
    for name, names in STATUS.items():
        value = answer[name]
        assert value, f"status: no {name}"
        for one in value if isinstance(value, list) else [value]:
            fields(one, names, f"status: {name}")
    assert answer["city"]["slug"] == city.slug
    assert {peer["city"] for peer in answer["peers"]} == {other.slug for other in others}
    assert [n["slug"] for n in answer["networks"]] == ["pact"]
    assert answer["store"]["records"] == sum(feed["seq"] for feed in answer["feeds"])


def refusals(city):
    before = city.feeds()
    for arguments, words in REFUSALS.items():
        for more in ([], ["--json"])[:1 if arguments.startswith("export") else 2]:
            done = city.command("--socket", city.socket, *arguments.split(), *more)
            assert words in one_reason(done, 1), f"{arguments}: {done.stderr}"
    assert city.feeds() == before


def publishing(city, space):
    """Topics and attachments, and all that reads them back."""
    notes = space.path / "notes.md"
    notes.write_text("# Rain gardens\n\nThey **drink** the street's water.\n")
    pdf = sorted(DATA.glob("documents/*.pdf"))[0]
    plan = space.path / "plan of the quay.bin"
    plan.write_bytes(os.urandom(300_000))
    answer = city.json("publish", "doc", notes, "--network", "pact", "--attach", pdf, "--attach",
                       plan, "--topic", "water", "--topic", "heat")
    assert list(answer) == ["id", "hash"] and answer["id"] == "pact/budapest/doc/1", answer
    record = city.json("show", answer["id"])
    assert record["hash"] == answer["hash"] and record["topics"] == ["water", "heat"], record
    assert [a["name"] for a in record["attachments"]] == [pdf.name, plan.name]
    out = space.path / "out"
    for a, source in zip(record["attachments"], (pdf, plan)):
        for name in (a["name"], a["id"]):
            done = city.json("get", answer["id"], name, "--output", out)
            assert done == {"file": str(out), "id": a["id"], "size": a["size"]}, done
            assert out.read_bytes() == source.read_bytes(), name
            out.unlink()
    assert city.hansa("export", answer["id"], "--as", "md").endswith(notes.read_text()), "md"
    path = sorted(DATA.glob("alerts/*"))[0]
    lines = city.hansa("publish", "alert", path, path, "--network", "pact").splitlines()
    assert [line.split("  ")[0] for line in lines] == ["pact/budapest/alert/1",
                                                       "pact/budapest/alert/2"], lines
    assert city.bytes("export", "pact/budapest/alert/1", "--as", "cap") == path.read_bytes()
    raw = city.bytes("show", "pact/budapest/alert/1", "--raw")
    assert path.read_bytes() in raw
    for line in ("export pact/budapest/doc/1 --as md --json",
                 "show pact/budapest/doc/1 --raw --json"):
        one_reason(city.command("--socket", city.socket, *line.split()), 2)


def verifying(city, space):
    """FILE is checked with no daemon at all; what was altered is named."""
    proof = space.path / "proof.json"
    city.hansa("export", "pact/budapest/doc/1", "--as", "json", "--output", proof)
    done = command("verify", str(proof))
    assert done.returncode == 0 and "VERIFIED: Rain gardens" in done.stdout, done
    assert not done.stderr and "NOT VERIFIED" not in done.stdout
    answer = json.loads(command("verify", str(proof), "--json").stdout)
    assert answer["verified"] is True and answer["id"] == "pact/budapest/doc/1"
    assert city.hansa("verify", "pact/budapest/doc/1") == command("verify", str(proof)).stdout
    text = proof.read_text()
    assert text.count("drink") >= 1
    altered = space.path / "altered.json"
    altered.write_text(text.replace("drink", "waste"))
    assert "NOT VERIFIED" in one_reason(command("verify", str(altered)), 1)
    whole = json.loads(text)
    for key, value in list(whole["proof"].items()):
        if isinstance(value, str) and len(value) > 16:
            bad = {**whole, "proof": {**whole["proof"], key: value[:8] + "A" * 4 + value[12:]}}
            altered.write_text(json.dumps(bad))
            done = command("verify", str(altered))
            assert done.returncode == 1 and "NOT VERIFIED" in done.stderr, f"{key}: {done}"


def explaining(federation):
    budapest, bratislava, prague = federation.cities
    federation.wait_agree(30)
    wait_until(lambda: len(budapest.json("explain", "pact/budapest/doc/1")["holders"]) == 3, 30,
               "budapest knows that the others hold it")
    said = bratislava.hansa("explain", "pact/budapest/doc/1")
    for words in ("Published by Budapest (budapest)", budapest.fingerprint, "Signed in its epoch 1",
                  "the signature is valid", "Known to be held by: "):
        assert words in said, f"explain: no {words!r}: {said}"
    assert prague.json("explain", "pact/budapest/doc/1")["origin"]["city"] == "budapest"


def tailing(city):
    """Cursors go on without a gap; a reader for people has the title."""
    cursor = city.json("status")["cursor"]
    city.post(document("First"))
    city.post(alert("tail-2"))

    def read(start, count, *more):
        process = city.background("tail", "--from", start, *more)
        try:
            return [process.stdout.readline() for _ in range(count)]
        finally:
            process.terminate()
            process.communicate(timeout=15)

    first = [json.loads(line) for line in read(cursor, 2, "--json")]
    for event in first:
        assert sorted(event) == ["cursor", "data", "event"] and event["event"] == "entry", event
    titles = [event["data"]["records"][0]["title"] for event in first]
    assert titles == ["First", "tail-2"], titles
    assert first[1] == json.loads(read(first[0]["cursor"], 1, "--json")[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d  pact/budapest/doc/\d+  First\n",
                        read(cursor, 1)[0])
    assert len(read("0", 3)) == 3


def logging(city):
    lines = city.json("log", "--lines", "1000")["lines"]
    assert lines == city.log().splitlines()[-1000:]
    form = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warn|error) [a-z_]+( |$)")
    for line in lines:
        assert form.match(line), line
        assert 'network=""' not in line, line
    assert city.hansa("log", "--lines", "2").splitlines() == city.log().splitlines()[-2:]


def on_terminal(city, columns, *arguments):
    """What the command prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen([str(HANSA), "--socket", str(city.socket), *arguments], stdout=theirs,
                          stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                          env=city.environment()) as process:
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break  # its last writer has closed it
            if not part:
                break
            text += part
        os.close(ours)
    assert process.returncode == 0, arguments
    return text.decode().replace("\r\n", "\n").splitlines()


def width(text):
    """Columns on a terminal."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def column_starts(line):
    """Where the headings begin."""
    return [m.start() for m in re.finditer(r"(?<=  )\S|^\S", line)]


def lists(federation, space):
    """Aligned, sorted, as wide as the terminal at most, and filtered as asked."""
    budapest, bratislava, _ = federation.cities
    for title in ("A" * 200, "Ŝtorm’ ĉe la bordo " * 8, "暴雨の警報 " * 20, "Cafe\u0301 " * 30):
        answer = bratislava.post(document(title, topics=["heat"]))
        assert answer.status == 201, answer.body
    call = {"kind": "call", "topics": ["water"], "body": {
        "title": "A call", "funder": "A fund", "language": "en", "link": "https://fund.example/",
        "deadlines": [{"at": "2099-01-31", "time_zone": "Europe/Prague"}]}}
    assert bratislava.post(call).status == 201
    call["body"] = {**call["body"], "title": "A past call",
                    "deadlines": [{"at": "2020-01-31", "time_zone": "Europe/Prague"}]}
    assert bratislava.post(call).status == 201
    federation.wait_agree(30)
    for columns in (80, 100):
        for arguments in ("list", "list doc", "list alert", "list call", "members", "peers",
                          "status"):
            lines = on_terminal(budapest, columns, *arguments.split())
            wide = [line for line in lines if width(line) > columns]
            assert not wide, f"{arguments} in {columns} columns: {wide[0]!r}"
            if arguments.startswith("list"):
                starts = column_starts(lines[0])
                for line in lines[1:]:
                    for start in starts[1:3]:
                        assert line[start - 2:start] == "  " != line[start:start + 1], line
    for arguments in ("members", "peers"):
        cities = [line.split()[0] for line in budapest.hansa(*arguments.split()).splitlines()[1:]]
        assert cities == sorted(cities) and len(cities) >= 2, f"{arguments}: {cities}"

    def ids(*arguments):
        return [r["id"] for r in budapest.json("list", *arguments)["records"]]

    everything = ids()
    times = [r["time"] for r in budapest.json("list")["records"]]
    assert times == sorted(times, reverse=True), "not the newest first"
    assert set(everything) == set(ids("doc")) | set(ids("call")) | set(ids("alert"))
    assert all("/doc/" in i for i in ids("doc"))
    assert ids("--city", "bratislava") == [i for i in everything if "/bratislava/" in i]
    assert ids("doc", "--topic", "heat") == [
        i for i in ids("doc") if "heat" in budapest.json("show", i)["topics"]] != []
    assert ids("--network", "pact") == everything
    assert len(ids("call")) == 2 and len(ids("call", "--open")) == 1
    assert ids("--since", "2099-01-01") == [] and ids("--since", "2020-01-01") == everything
    assert len(ids("--limit", "2")) == 2
    nothing = budapest.command("--socket", budapest.socket, "list", "--topic", "nobody's")
    assert nothing.returncode == 0 and not nothing.stdout and nothing.stderr, nothing


def membership(federation):
    """The members' commands, on the way from one state to the next."""
    budapest, bratislava, prague = federation.cities

    def standing(city):
        return budapest.member(city.slug)["standing"]

    said = budapest.command("--socket", budapest.socket, "confirm", "prague", "--fingerprint",
                            bratislava.fingerprint)
    assert "not the key" in one_reason(said, 1)
    budapest.hansa("confirm", "prague", "--fingerprint", prague.fingerprint)
    budapest.hansa("suspend", "prague", "--network", "pact", "--reason", "to try")
    assert standing(prague) == "suspended"
    wait_until(lambda: not budapest.linked(prague), 10, "the suspended city's link ends")
    budapest.hansa("resume", "prague", "--network", "pact")
    assert standing(prague) == "active"
    wait_until(lambda: budapest.linked(prague), 30, "the link comes back")
    budapest.hansa("peers", "--deny", "prague")
    wait_until(lambda: not budapest.linked(prague), 10, "the denied city's link ends")
    assert "prague is denied." in budapest.hansa("peers")
    budapest.hansa("peers", "--allow", "prague")
    wait_until(lambda: budapest.linked(prague), 30, "the link comes back")
    made = budapest.command("--socket", budapest.socket, "network", "create", "--name", "Another",
                            "--slug", "pact")
    assert made.returncode == 0 and "invite --network pact-2 " in made.stdout, made
    assert "another network pact already" in made.stderr, made.stderr
    unclear = budapest.command("--socket", budapest.socket, "publish", "doc", A_DOCUMENT)
    assert "--network (pact, pact-2)" in one_reason(unclear, 2), unclear.stderr


def commands(space):
    federation = Federation(space, CITIES[:3])
    budapest, bratislava, prague = federation.cities
    publishing(budapest, space)
    status(budapest, (bratislava, prague))
    verifying(budapest, space)
    explaining(federation)
    tailing(budapest)
    lists(federation, space)
    refusals(budapest)
    logging(budapest)
    shapes(budapest)


def members_and_networks(space):
    federation = Federation(space, CITIES[:3])
    membership(federation)


def main():
    print(f"{help_pages()} commands have their help; {usage()} wrong usages are told")
    with Workspace() as space:
        no_daemon(space)
        Literal(space).all()
    with Workspace() as space:
        commands(space)
    with Workspace() as space:
        members_and_networks(space)
    return 0


if __name__ == "__main__":
    sys.exit(main())
