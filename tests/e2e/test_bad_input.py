#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear sentence that names the field, exit code 1, and nothing changed.

Through the command and through the API: every file of tests/data/bad with the sentence of its
EXPECTED.tsv, records that break a limit, keys that others can read, a second daemon on one store,
and a store that is full.
"""
import json
import os
import shutil
import subprocess
import sys

from harness import (CITIES, DATA, HANSAD, City, Federation, Workspace, document, wait_until)

BAD = DATA / "bad"
RECORDS = "/v1/networks/pact/records"


def expected():
    """{file: (field, reason)}"""
    lines = (BAD / "EXPECTED.tsv").read_text(encoding="utf-8").splitlines()
    return {f: (field, reason) for f, field, reason in
            (line.split("\t") for line in lines if line and not line.startswith("#"))}


def files(space, city):
    """Each bad file is refused by import and by publish, word for word."""
    sentences = expected()
    before = city.feeds()
    folder = space.path / "bad"
    shutil.copytree(BAD, folder)
    (folder / "EXPECTED.tsv").unlink()
    report = city.json("import", folder, "--network", "pact", code=1)
    assert report["accepted"] == 0, report
    assert report["files"] == len(sentences), report["files"]
    got = {r["file"]: r["reason"] for r in report["refused"]}
    for name, (field, reason) in sentences.items():
        want = f"{field}: {reason}" if field else reason
        assert got.pop(name, None) == want, f"{name}: not {want!r}: {report['refused']}"
    assert not got, f"refused without being expected: {got}"
    for name, (field, reason) in sentences.items():
        kind = name.split("-")[0]
        if kind not in ("alert", "call", "doc"):
            continue
        done = city.command("--socket", city.socket, "publish", kind, BAD / name, "--network",
                            "pact")
        assert done.returncode == 1, f"{name}: exit {done.returncode}"
        assert done.stderr.strip().count("\n") == 0, f"{name}: more than a line: {done.stderr}"
        assert reason in done.stderr and field in done.stderr, f"{name}: {done.stderr}"
    assert city.feeds() == before, "something was published"
    return len(sentences)


def alerts_by_api(city):
    """CAP as it comes from other systems, without the command: the same sentences."""
    before = city.feeds()
    for name, (field, reason) in expected().items():
        if not name.startswith("alert-"):
            continue
        answer = city.http("POST", RECORDS, (BAD / name).read_bytes(), "application/cap+xml")
        error = answer.json()["error"]
        assert answer.status == 400, f"{name}: {answer.status}"
        assert (error["field"], error["reason"]) == (field, reason), f"{name}: {error}"
    assert city.feeds() == before


def records_by_api(city):
    """(what, body, status, field): JSON that breaks a rule or a limit."""
    before = city.feeds()
    good = document("A title")

    def but(**changes):
        record = json.loads(json.dumps(good))
        record["body"].update(changes)
        return json.dumps(record)

    def beside(**changes):
        return json.dumps({**good, **changes})

    cases = [
        ("no JSON", "{", 400, ""),
        ("a key twice", '{"kind":"doc","kind":"doc","body":{}}', 400, ""),
        ("broken UTF-8", b'{"kind":"doc","body":{"title":"\xff"}}', 400, ""),
        ("nested too deep", "[" * 100 + "]" * 100, 400, ""),
        ("an unknown kind", beside(kind="song"), 400, "kind"),
        ("no body", '{"kind":"doc"}', 400, "body"),
        ("an unknown member", beside(colour="red"), 400, "colour"),
        ("no title", but(title=None), 400, "title"),
        ("a title that is none", but(title=3), 400, "title"),
        ("a NUL", but(title="a\0b"), 400, "", "a text holds a NUL character (\\u0000)"),
        ("a title too long", but(title="x" * 1025), 400, "title"),
        ("a language that is none", but(language="Hungarian language"), 400, "language"),
        ("an absurd date", but(published="1066-10-14"), 400, "published"),
        ("a script as link", but(contact={"url": "javascript:alert(1)"}), 400, "contact.url"),
        ("a topic too long", beside(topics=["x" * 65]), 400, "topics[0]"),
        ("an attachment that is not here", beside(attachments=[{"id": "0" * 64}]), 400, None),
        ("a reference to nothing", beside(references=["pact/budapest/doc/999999"]), 400, None),
        ("an expiry that is no time", beside(expires="tomorrow"), 400, "expires"),
        ("a body too large", but(text="x" * 262144), 413, ""),
    ]
    wrong = []
    for what, body, status, field, *words in cases:
        answer = city.http("POST", RECORDS, body)
        error = answer.json().get("error", {"field": "", "reason": ""})
        if (answer.status != status or not error["reason"] or "\n" in error["reason"] or
                field not in (None, error["field"]) or
                any(w not in error["reason"] for w in words) or "JSON_" in error["reason"]):
            wrong.append(f"{what}: {answer.status} {error}")
    assert not wrong, "\n".join(wrong)
    answer = city.http("POST", "/v1/networks/nowhere/records", json.dumps(good))
    assert answer.status == 404, answer.body
    answer = city.http("POST", RECORDS, "x", "text/csv")
    assert answer.status == 415, answer.body
    # One bad line stops no other.
    lines = json.dumps(good) + "\nno json\n" + but(language="?") + "\n" + json.dumps(good) + "\n"
    answers = [json.loads(line) for line in
               city.http("POST", RECORDS, lines, "application/x-ndjson").body.splitlines()]
    assert [("id" in a, a["line"]) for a in answers] == [
        (True, 1), (False, 2), (False, 3), (True, 4)], answers
    after = city.feeds()
    key = ("pact", city.slug, "doc")
    assert after[key][0] == before.get(key, (0,))[0] + 2, "only the good lines were published"
    return len(cases)


def daemon_refuses(config, *words):
    """`hansad` ends with exit code 1 and one line that has all of the words."""
    done = subprocess.run([str(HANSAD), "--config", str(config)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=15)
    lines = [line for line in done.stderr.splitlines() if line.startswith("hansad: ")]
    assert done.returncode == 1, f"exit {done.returncode}: {done.stderr}"
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], f"no {word!r} in: {lines[0]}"
    return lines[0]


def keys(city):
    """Readable by others, or not a key: refused before anything is touched."""
    city.stop()
    node_key = city.dir / "keys" / "node.key"
    node_key.chmod(0o644)
    print("  " + daemon_refuses(city.config, str(node_key), "0600"))
    node_key.chmod(0o600)
    content = node_key.read_bytes()
    node_key.write_bytes(b"no key\n")
    print("  " + daemon_refuses(city.config, str(node_key)))
    node_key.write_bytes(content)
    if os.getuid():
        node_key.chmod(0)
        print("  " + daemon_refuses(city.config, str(node_key)))
        node_key.chmod(0o600)
    with open(city.config, encoding="utf-8") as config:
        good = config.read()
    city.configure("colour: red")
    print("  " + daemon_refuses(city.config, "colour"))
    city.config.write_text(good, encoding="utf-8")
    city.start()
    officer = next((city.home / ".config" / "hansa" / "officers").glob("*.key"))
    officer.chmod(0o640)
    done = city.command("--socket", city.socket, "invite", "--network", "pact", "--city", "linz")
    assert done.returncode == 1 and "0600" in done.stderr and not done.stdout, done.stderr
    officer.chmod(0o600)


def second_daemon(city):
    print("  " + daemon_refuses(city.config, "store"))
    assert city.post(document("the first daemon goes on")).status == 201


def full(space):
    """A store at its limit: intake stops with a reason, what was answered stays, and it goes on."""
    city = City(space, "Warsaw", "warsaw", "PL").init()
    city.configure("store:\n  limit: 256 MiB")
    city.start()
    city.hansa("network", "create", "--name", "Full", "--slug", "full")
    big = json.dumps(document("much", "x" * 200000))
    lines = (big + "\n") * 40
    accepted, refused = 0, []
    for _ in range(60):
        answer = city.http("POST", "/v1/networks/full/records", lines, "application/x-ndjson")
        if answer.status != 200:
            refused.append(answer.json()["error"])
            break
        for line in answer.body.splitlines():
            got = json.loads(line)
            if "id" in got:
                assert not refused, "accepted after a refusal in one request"
                accepted += 1
            else:
                refused.append(got["error"])
        if refused:
            break
    assert refused, f"{accepted} records of 200 kB fitted into 256 MiB"
    assert refused[0]["code"] in ("full", "paused"), refused[0]
    print(f"  {accepted} records, then: {refused[0]['reason']}")
    assert city.seq("warsaw", "doc", "full") == accepted, "what was refused is not there"
    wait_until(lambda: city.status()["paused"], 10, "status says that intake is paused")
    # An alert still goes in: the reserve is for it.
    answer = city.http("POST", "/v1/networks/full/records",
                       (DATA / "alerts" / "exercise__danube-1-alert.xml").read_bytes(),
                       "application/cap+xml")
    assert answer.status == 201, answer.body
    city.restart()
    assert city.seq("warsaw", "doc", "full") == accepted
    assert city.seq("warsaw", "alert", "full") == 1
    city.stop()
    # With room again it goes on.
    text = city.config.read_text(encoding="utf-8").replace("256 MiB", "900 MiB")
    city.config.write_text(text, encoding="utf-8")
    city.start()
    answer = city.http("POST", "/v1/networks/full/records", big)
    assert answer.status == 201, answer.body
    city.stop()


def main():
    with Workspace() as space:
        city = Federation(space, CITIES[:1]).founder
        print(f"{files(space, city)} bad files, each with its sentence")
        alerts_by_api(city)
        print(f"{records_by_api(city)} bad records through the API")
        keys(city)
        second_daemon(city)
        full(space)


if __name__ == "__main__":
    sys.exit(main())
