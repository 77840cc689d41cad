#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The control API of a running daemon, over its Unix socket."""

import concurrent.futures
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.environ.get("HANSA_BUILD", "build")
ALERT = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>%s</identifier>
<sender>budapest@example.org</sender><sent>2026-05-01T10:00:00+02:00</sent>
<status>Exercise</status><msgType>%s</msgType><scope>Public</scope>%s
<info><language>en</language><category>Met</category><event>Flood</event>
<urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty><headline>Flood %s</headline>
<description>%s</description></info></alert>
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("hansa", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class Daemon:
    """One city with one network."""

    def __init__(self, folder):
        self.data = os.path.join(folder, "budapest")
        self.socket = os.path.join(self.data, "control.sock")
        self.env = dict(os.environ, HOME=folder)
        self.hansa("init", "--city", "Budapest", "--slug", "budapest", "--country", "HU",
                   "--data", self.data, "--listen", "127.0.0.1:0")
        self.start()
        self.hansa("--socket", self.socket, "network", "create", "--name", "Pact",
                   "--slug", "pact")

    def hansa(self, *arguments):
        return subprocess.run([os.path.join(BUILD, "hansa"), *arguments], env=self.env,
                              check=True, capture_output=True, timeout=60)

    def start(self):
        self.log = open(os.path.join(self.data, "log"), "ab")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "hansad"), "--config", os.path.join(self.data, "hansad.yaml")],
            stderr=self.log, env=self.env)
        for _ in range(600):
            try:
                if self.get("/healthz")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit("hansad did not start: " + open(self.log.name).read())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.log.close()
        return code

    def ask(self, method, path, body=None, media_type="application/json", headers=None):
        connection = UnixConnection(self.socket)
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = media_type
        if isinstance(body, dict):
            body = json.dumps(body)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.headers.get("Content-Type") == "application/json":
            content = json.loads(content)
        return response.status, content

    def get(self, path):
        return self.ask("GET", path)

    def publish(self, record, **others):
        return self.ask("POST", "/v1/networks/pact/records", record, **others)


def doc(title, **others):
    return {"kind": "doc", "body": {"title": title, "language": "en", "summary": "Of rain.",
            "text": "# " + title, "media_type": "text/markdown"}, **others}


class Events:
    """A stream of Server-Sent Events, read one by one."""

    def __init__(self, daemon, query="", headers=None):
        self.connection = UnixConnection(daemon.socket)
        self.connection.request("GET", "/v1/events" + query, headers=headers or {})
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def next(self):
        event = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if line.startswith(":"):
                continue
            if not line:
                if event:
                    return event
                if self.response.isclosed():
                    return None
                continue
            name, value = line.split(": ", 1)
            event[name] = json.loads(value) if name == "data" else value

    def close(self):
        self.response.close()
        self.connection.close()


class ApiTest(unittest.TestCase):
    def refused(self, answer, status, code, field=None):
        self.assertEqual(answer[0], status, answer)
        error = answer[1]["error"]
        self.assertEqual(set(error), {"code", "field", "reason"})
        self.assertEqual(error["code"], code, error)
        if field is not None:
            self.assertEqual(error["field"], field, error)
        self.assertTrue(error["reason"])

    def published(self, record, **others):
        status, answer = daemon.publish(record, **others)
        self.assertEqual(status, 201, answer)
        return answer

    def test_status(self):
        status, answer = daemon.get("/v1/status")
        self.assertEqual(status, 200)
        self.assertEqual(answer["city"]["slug"], "budapest")
        self.assertRegex(answer["listen"][0], r"^127\.0\.0\.1:[1-9][0-9]*$")
        self.assertEqual(answer["networks"][0]["my_status"], "active")
        self.assertEqual(answer["publishing"], {"state": "open", "reason": ""})
        for field in ("store_epoch", "instance", "uptime_s", "feeds", "peers", "store", "paused"):
            self.assertIn(field, answer)
        status, text = daemon.get("/metrics")
        self.assertIn(b"\nhansa_publishing_open 1\n", text)
        self.assertEqual(daemon.get("/healthz")[1]["status"], "ok")
        self.assertTrue(stat.S_IMODE(os.stat(daemon.socket).st_mode) & 0o007 == 0)

    def test_refused(self):
        self.refused(daemon.get("/v1/nothing"), 404, "not_found")
        self.refused(daemon.ask("DELETE", "/v1/status"), 405, "method")
        self.refused(daemon.get("/v1/networks/nowhere/members"), 404, "not_found", "network")
        self.refused(daemon.get("/v1/records/pact/budapest/doc/0"), 400, "field", "seq")
        self.refused(daemon.get("/v1/records/pact/budapest/doc/999999"), 404, "not_found")
        self.refused(daemon.get("/v1/records/pact/budapest/memo/1"), 404, "not_found", "lane")
        self.refused(daemon.get("/v1/records?limit=0"), 400, "field", "limit")
        self.refused(daemon.get("/v1/records?since=yesterday"), 400, "field", "since")
        self.refused(daemon.get("/v1/records?before=1-2-3"), 400, "field", "before")

    def test_publish_refused(self):
        before = daemon.get("/v1/status")[1]["feeds"]
        self.refused(daemon.publish(b"x", media_type="text/plain"), 415, "media_type")
        self.refused(daemon.publish(b"{"), 400, "syntax")
        self.refused(daemon.publish(b'{"kind":"doc","kind":"doc"}'), 400, "syntax")
        self.refused(daemon.publish(b'{"kind":"\xff"}'), 400, "syntax")
        self.refused(daemon.publish({"kind": "poll", "body": {}}), 400, "field", "kind")
        self.refused(daemon.publish({"kind": "doc"}), 400, "field", "body")
        self.refused(daemon.publish(doc("x", topic="y")), 400, "field", "topic")
        self.refused(daemon.publish(doc("x", topics=["a"] * 17)), 400, "field", "topics")
        self.refused(daemon.publish(doc("x", expires="soon")), 400, "field", "expires")
        self.refused(daemon.publish(doc("x", supersedes="pact/budapest/doc/999999")), 400, "field",
                     "supersedes")
        self.refused(daemon.publish(doc("x", references=["nonsense"])), 400, "field",
                     "references[0]")
        self.refused(daemon.publish(doc("x", attachments=[{"id": "00" * 32}])), 400, "field",
                     "attachments[0].id")
        self.refused(daemon.publish(doc("x" * 300000)), 400, "field")
        self.refused(daemon.publish(b" " * (1 << 20) + b"{}"), 413, "size")
        self.refused(daemon.publish(b" " * (9 << 20) + b"{}"), 413, "size")
        self.refused(daemon.publish(iter([b" " * (1 << 20)] * 9)), 413, "size")
        self.refused(daemon.publish(b""), 400, "syntax")
        # A body that is larger than 256 KiB, though each of its fields is small enough.
        large = doc("x")
        large["body"]["text"] = "t" * 200000
        large["body"]["extra"] = {"note": "n" * 70000}
        self.refused(daemon.publish(large), 413, "size")
        large["references"] = []  # on the slow road it is the same
        large["body"]["attachments"] = []
        self.refused(daemon.publish(large), 413, "size")
        self.refused(daemon.publish(b"<!DOCTYPE a [<!ENTITY x 'y'>]><alert/>",
                                    media_type="application/cap+xml"), 400, "syntax")
        self.assertEqual(daemon.get("/v1/status")[1]["feeds"], before)

    def test_publish(self):
        first = self.published(doc("Rain gardens", topics=["water", "žába"]))
        second = self.published(doc("Rain gardens, better", supersedes=first["id"],
                                    references=[first["id"]]))
        status, record = daemon.get("/v1/records/" + second["id"])
        self.assertEqual(status, 200)
        self.assertEqual(record["supersedes"]["id"], first["id"])
        self.assertEqual(record["supersedes"]["hash"], first["hash"])
        self.assertEqual(record["references"][0]["hash"], first["hash"])
        self.assertEqual(record["time"], second["time"])
        self.assertEqual(record["body"]["title"], "Rain gardens, better")
        self.assertEqual(daemon.get("/v1/records/" + first["id"])[1]["topics"], ["water", "žába"])
        raw = daemon.get("/v1/records/" + first["id"] + "?raw=1")[1]
        self.assertIn(b"Rain gardens", raw)
        markdown = daemon.get("/v1/records/" + first["id"] + "/export?as=md")[1].decode()
        self.assertTrue(markdown.startswith("---\n"), markdown)
        self.assertEqual(daemon.get("/v1/records/" + first["id"] + "/export?as=json")[1]["title"],
                         "Rain gardens")
        self.refused(daemon.get("/v1/records/" + first["id"] + "/export?as=cap"), 409, "state")
        status, why = daemon.get("/v1/records/" + first["id"] + "/explain")
        self.assertEqual(why["origin"]["city"], "budapest")
        self.assertTrue(why["head"]["signature_valid"])
        self.assertEqual(why["holders"], ["budapest"])

    def test_proof(self):
        first = self.published(doc("Proven"))
        status, proof = daemon.get("/v1/records/" + first["id"] + "/proof")
        self.assertEqual(status, 200)
        self.assertEqual(proof["hash"], first["hash"])
        self.assertEqual(len(proof["epoch_records"]), 1)
        path = os.path.join(daemon.data, "proof.json")
        with open(path, "w") as file:
            json.dump(proof, file)
        daemon.hansa("verify", path)
        proof["hash"] = "00" * 32
        proof["entry"] = proof["entry"][:100] + ("A" if proof["entry"][100] != "A" else "B") + \
            proof["entry"][101:]
        with open(path, "w") as file:
            json.dump(proof, file)
        with self.assertRaises(subprocess.CalledProcessError):
            daemon.hansa("verify", path)

    def test_alert(self):
        def cap(identifier, kind, references="", text="x"):
            return (ALERT % (identifier, kind, references, identifier, text)).encode()
        xml = cap("flood-1", "Alert")
        first = self.published(xml, media_type="application/cap+xml")
        self.assertEqual(first["id"].split("/")[2], "alert")
        reference = "<references>budapest@example.org,flood-1,2026-05-01T08:00:00+00:00" \
            "</references>"
        update = self.published(cap("flood-2", "Update", reference), media_type="text/xml")
        record = daemon.get("/v1/records/" + update["id"])[1]
        self.assertEqual([r["id"] for r in record["references"]], [first["id"]])
        self.assertEqual(daemon.get("/v1/records/" + first["id"] + "/export?as=cap")[1], xml)
        large = cap("flood-3", "Alert", text="long " * 5000)
        answer = self.published(large, media_type="application/xml")
        record = daemon.get("/v1/records/" + answer["id"])[1]
        self.assertEqual([a["original"] for a in record["attachments"]], [True])
        self.assertTrue(record["attachments"][0]["held"])
        self.assertEqual(daemon.get("/v1/records/" + answer["id"] + "/export?as=cap")[1], large)
        # The same original again: its attachment is here already.
        self.published(large, media_type="application/xml")
        # An Update of what another system sent is taken, and names nothing of this city.
        other = reference.replace("flood-1", "elsewhere")
        answer = self.published(cap("flood-4", "Cancel", other), media_type="text/xml")
        self.assertEqual(daemon.get("/v1/records/" + answer["id"])[1]["references"], [])

    def test_attachment(self):
        content = os.urandom(3 * 1024 * 1024 + 17)
        status, stored = daemon.ask("POST", "/v1/attachments", content,
                                    "application/octet-stream")
        self.assertEqual(status, 201, stored)
        self.assertEqual(stored["size"], len(content))
        again = daemon.ask("POST", "/v1/attachments", content, "application/octet-stream")
        self.assertEqual(again, (201, stored))
        self.refused(daemon.publish(doc("x", attachments=[{"id": stored["id"], "size": 1}])), 400,
                     "field", "attachments[0].size")
        hidden = doc("x")
        hidden["body"]["attachments"] = [{"id": stored["id"], "name": "a.bin", "size": len(content),
                                          "media_type": "application/octet-stream"}]
        self.refused(daemon.publish(hidden), 400, "field", "body.attachments[0].id")
        answer = self.published(doc("With a file", attachments=[
            {"id": stored["id"], "name": "plan of works.pdf", "media_type": "application/pdf"}]))
        record = daemon.get("/v1/records/" + answer["id"])[1]
        self.assertEqual(record["attachments"][0]["name"], "plan of works.pdf")
        self.assertEqual(record["body"]["attachments"][0]["id"], stored["id"])
        path = "/v1/records/" + answer["id"] + "/attachments/"
        self.assertEqual(daemon.get(path + stored["id"])[1], content)
        self.assertEqual(daemon.get(path + "plan%20of%20works.pdf")[1], content)
        self.refused(daemon.get(path + "00" * 32), 404, "not_found", "attachment")
        status, empty = daemon.ask("POST", "/v1/attachments", b"", "application/octet-stream")
        self.assertEqual((status, empty["size"]), (201, 0))

    def pages(self, query):
        found, before = [], None
        while True:
            path = "/v1/records?" + query + ("&before=" + before if before else "")
            status, page = daemon.get(path)
            self.assertEqual(status, 200, page)
            found += page["records"]
            before = page["next"]
            if not before:
                return found

    def test_list(self):
        for i in range(25):
            topics = ["listed", "even"] if i % 2 == 0 else ["listed"]
            self.published(doc("Listed %d" % i, topics=topics))
            self.published(doc("Between %d" % i))
        records = self.pages("topic=listed&limit=7")
        self.assertEqual([r["title"] for r in records],
                         ["Listed %d" % i for i in range(24, -1, -1)])
        self.assertEqual(len(self.pages("topic=even&limit=5&network=pact&city=budapest")), 13)
        everything = self.pages("limit=3")
        ids = [r["id"] for r in everything]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(ids), sum(f["seq"] for f in daemon.get("/v1/status")[1]["feeds"]))
        # Whole seconds are written without a fraction.
        times = [r["time"] if "." in r["time"] else r["time"][:-1] + ".000Z" for r in everything]
        self.assertEqual(times, sorted(times, reverse=True))
        middle = records[12]["time"]
        self.assertEqual([r["title"] for r in self.pages("topic=listed&since=" + middle)],
                         ["Listed %d" % i for i in range(24, 11, -1)])
        self.assertEqual([r["title"] for r in self.pages("topic=listed&until=" + middle)],
                         ["Listed %d" % i for i in range(11, -1, -1)])
        past = self.published(doc("Past", topics=["past"], expires="2020-01-01T00:00:00Z"))
        self.assertEqual([r["id"] for r in self.pages("topic=past")], [past["id"]])
        self.assertEqual(self.pages("topic=past&open=1"), [])

    def test_bulk(self):
        lines, bad = [], {3: "kind", 5000: "title", 8999: "nonsense"}
        for i in range(1, 9001):
            record = doc("Bulk %d" % i)
            if 2000 < i < 3000 or i % 1000 == 7:
                record["body"]["extra"] = {"real": 1.5} # not taken by the quick road
            if i == 3:
                record["kind"] = "nothing"
            if i == 5000:
                del record["body"]["title"]
            lines.append(b"{" if i == 8999 else json.dumps(record).encode())
        lines[7000:7000] = [b"", b"   "]
        status, answer = daemon.publish(b"\n".join(lines), media_type="application/x-ndjson")
        self.assertEqual(status, 200)
        answers = [json.loads(line) for line in answer.decode().splitlines()]
        self.assertEqual(len(answers), 9000)
        numbers = [a["line"] for a in answers]
        self.assertEqual(numbers, sorted(numbers))
        refused = [a for a in answers if "error" in a]
        self.assertEqual([a["line"] for a in refused], [3, 5000, 9001])
        self.assertEqual(refused[0]["error"]["field"], "kind")
        sequence = [a["seq"] for a in answers if "seq" in a]
        self.assertEqual(sequence, list(range(sequence[0], sequence[0] + 8997)))
        for i in (10, 1006, 2003, 2998, 4000, 6500):
            good = answers[i]
            record = daemon.get("/v1/records/" + good["id"])[1]
            self.assertEqual((record["hash"], record["body"]["title"], record["time"]),
                             (good["hash"], "Bulk %d" % (i + 1), good["time"]))

    def test_bulk_long_line(self):
        body = json.dumps(doc("Before")).encode() + b"\n" + b"x" * 3000000 + b"\n" + \
            json.dumps(doc("After", references=["pact/budapest/doc/1"])).encode()
        status, answer = daemon.publish(body, media_type="application/x-ndjson")
        answers = [json.loads(line) for line in answer.decode().splitlines()]
        self.assertEqual([("seq" in a, a["line"]) for a in answers],
                         [(True, 1), (False, 2), (True, 3)], answers)
        self.assertEqual(answers[1]["error"]["code"], "size")
        record = daemon.get("/v1/records/" + answers[2]["id"])[1]
        self.assertEqual(record["references"][0]["id"], "pact/budapest/doc/1")
        self.assertEqual(daemon.publish(b"", media_type="application/x-ndjson"), (200, b""))

    def test_events(self):
        self.published(doc("Before the stream"))
        live = Events(daemon)
        self.assertEqual(live.status, 200)
        one = self.published(doc("Live"))
        event = live.next()
        self.assertEqual((event["event"], event["data"]["id"]), ("entry", one["id"]))
        self.assertEqual(event["data"]["hash"], one["hash"])
        cursor = event["id"]
        live.close()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            wanted = {a["id"] for a in pool.map(lambda i: self.published(doc("Event %d" % i)),
                                                 range(60))}
            resumed = Events(daemon, headers={"Last-Event-ID": cursor})
            wanted |= {a["id"] for a in pool.map(lambda i: self.published(doc("Later %d" % i)),
                                                  range(60))}
        seen, ids = set(), []
        while wanted - seen:
            event = resumed.next()
            ids.append(int(event["id"].split("-")[1]))
            data = event["data"]
            for seq in range(data["first"], data["last"] + 1):
                name = "%s/%s/%s/%d" % (data["network"], data["city"], data["lane"], seq)
                self.assertNotIn(name, seen)
                seen.add(name)
        resumed.close()
        self.assertEqual(seen, wanted)
        self.assertEqual(ids, sorted(set(ids)))

    def test_events_from_the_start(self):
        self.published(doc("At least one"))
        newest = daemon.get("/v1/status")[1]["cursor"]
        stream = Events(daemon, "?from=0&detail=1")
        entries, kinds, last = {}, set(), None
        while last != newest:
            event = stream.next()
            kinds.add(event["event"])
            last = event["id"]
            for record in event["data"].get("records", []):
                self.assertNotIn(record["id"], entries)
                entries[record["id"]] = record
        stream.close()
        self.assertLessEqual({"entry", "object"}, kinds)
        total = sum(f["seq"] for f in daemon.get("/v1/status")[1]["feeds"])
        self.assertEqual(len(entries), total)
        self.assertTrue(all(r["title"] for r in entries.values()))

    def test_events_refused(self):
        self.refused(daemon.get("/v1/events?from=nonsense"), 400, "field", "from")
        self.refused(daemon.get("/v1/events?from=0123456789abcdef-1"), 410, "gone", "from")
        newest = daemon.get("/v1/status")[1]["cursor"]
        beyond = newest.split("-")[0] + "-99999999"
        self.refused(daemon.get("/v1/events?from=" + beyond), 410, "gone", "from")

    def test_charter(self):
        status, member = daemon.get("/v1/networks/pact/members")
        self.assertEqual([m["city"] for m in member["members"]], ["budapest"])
        network = daemon.get("/v1/networks/pact")[1]
        self.assertEqual((network["k"], len(network["officers"])), (1, 1))
        prepare = "/v1/networks/pact/amendments/prepare"
        self.refused(daemon.ask("POST", prepare, {"items": []}), 400, "field", "items")
        self.refused(daemon.ask("POST", prepare, {"items": [{"item": "crown"}]}), 400, "field",
                     "items[0].item")
        self.refused(daemon.ask("POST", prepare, {"items": [{"item": "confirm", "city": "x"}]}),
                     404, "not_found", "items[0].city")
        self.refused(daemon.ask("POST", prepare,
                                {"items": [{"item": "confirm", "city": "budapest"}]}),
                     409, "state", "items[0].city")
        status, draft = daemon.ask("POST", prepare, {"items": [
            {"item": "policy", "key": "language", "value": "en"}]})
        self.assertEqual((status, draft["number"]), (200, network["number"] + 1))
        forged = {"body": draft["body"], "signatures": [
            {"key": draft["officers"][0]["key"], "signature": "A" * 86 + "=="}]}
        status, answer = daemon.ask("POST", "/v1/networks/pact/amendments", forged)
        self.assertIn(status, (400, 409), answer)
        self.assertEqual(daemon.get("/v1/networks/pact")[1]["number"], network["number"])

    def test_invitation(self):
        prepare = "/v1/networks/pact/invitations/prepare"
        self.refused(daemon.ask("POST", prepare, {"city": "budapest"}), 409, "exists", "city")
        self.refused(daemon.ask("POST", prepare, {"city": "Not A Slug"}), 400, "field", "city")
        self.refused(daemon.ask("POST", prepare, {"city": "wien", "fingerprint": "AAAAA"}), 400,
                     "field", "fingerprint")
        token = daemon.hansa("--socket", daemon.socket, "invite", "--network", "pact", "--city",
                             "wien").stdout.decode().strip()
        self.assertTrue(token.startswith("hansa1-"))
        status, answer = daemon.get("/v1/networks/pact/invitations")
        one = answer["invitations"][0]
        self.assertEqual((one["city"], one["tries_left"]), ("wien", 3))
        self.assertNotIn("secret", json.dumps(answer))
        path = "/v1/networks/pact/invitations/" + one["id"]
        self.assertEqual(daemon.ask("DELETE", path)[0], 204)
        self.refused(daemon.ask("DELETE", path), 404, "not_found", "invitation")
        self.refused(daemon.ask("POST", "/v1/join", {"token": "hansa1-x"}), 400, "token")

    def test_peers_and_log(self):
        self.assertEqual(daemon.get("/v1/peers"), (200, {"peers": [], "denied": []}))
        self.refused(daemon.ask("PUT", "/v1/peers/nowhere/deny"), 404, "not_found", "city")
        self.refused(daemon.ask("PUT", "/v1/peers/budapest/deny"), 400, "field", "city")
        status, text = daemon.get("/v1/log?lines=5")
        self.assertEqual(status, 200)
        self.assertTrue(1 <= len(text.decode().splitlines()) <= 5)
        self.assertEqual(daemon.get("/v1/publishing"),
                         (200, {"state": "open", "reason": "", "missing": []}))
        self.refused(daemon.ask("POST", "/v1/keys/renew", {"force": True}), 409, "state", "force")
        self.refused(daemon.ask("POST", "/v1/keys/renew", {"force": 1}), 400, "field", "force")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_roles(self):
        program = (
            "import os,sys,http.client,socket\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            "for m,p in (('GET','/v1/status'),('POST','/v1/networks/pact/records'),"
            "('GET','/v1/log'),('POST','/v1/networks/pact/amendments')):\n"
            "    c=http.client.HTTPConnection('h'); c.sock=s\n"
            "    c.request(m,p,b'{}' if m=='POST' else None); r=c.getresponse(); r.read()\n"
            "    print(r.status)\n")
        folders = [daemon.data, os.path.dirname(daemon.data)]
        modes = [stat.S_IMODE(os.stat(f).st_mode) for f in folders + [daemon.socket]]
        try:
            for folder in folders:
                os.chmod(folder, 0o711)
            os.chmod(daemon.socket, 0o666)
            result = subprocess.run([sys.executable, "-c", program, daemon.socket],
                                    capture_output=True, timeout=60, check=True)
        finally:
            for path, mode in zip(folders + [daemon.socket], modes):
                os.chmod(path, mode)
        self.assertEqual(result.stdout.split(), [b"200", b"403", b"403", b"403"])

    def test_stop(self):
        stream = Events(daemon)
        before = daemon.get("/v1/status")[1]
        self.assertEqual(daemon.stop(), 0)
        self.assertIsNone(stream.next())
        stream.close()
        self.assertFalse(os.path.exists(daemon.socket))
        daemon.start()
        after = daemon.get("/v1/status")[1]
        self.assertEqual(after["feeds"], before["feeds"])
        self.assertEqual(after["cursor"], before["cursor"])
        self.assertNotEqual(after["instance"], before["instance"])
        self.published(doc("After the restart"))

    def test_zz_renew(self):
        old = daemon.get("/v1/networks/pact/members")[1]["members"][0]
        status, answer = daemon.ask("POST", "/v1/keys/renew", {})
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["epochs"], [{"network": "pact", "epoch": 2}])
        self.assertNotEqual(answer["node_key"], old["node_key"])
        record = self.published(doc("Under the new key"))
        self.assertEqual(daemon.get("/v1/records/" + record["id"])[1]["epoch"], 2)
        proof = daemon.get("/v1/records/" + record["id"] + "/proof")[1]
        self.assertEqual(len(proof["epoch_records"]), 2)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        daemon = Daemon(scratch)
        try:
            program = unittest.main(exit=False, verbosity=2)
        finally:
            if daemon.process.poll() is None:
                ended = daemon.stop()
        good = program.result.wasSuccessful() and ended == 0
        if not good:
            print(open(daemon.log.name).read()[-4000:])
    sys.exit(0 if good else 1)
