#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A network whose charter asks for two of two officers, and amendments that come second."""
import base64
import subprocess
import sys

from harness import CITIES, City, Federation, NETWORK, Workspace, b64, wait_until

AMENDMENTS = f"/v1/networks/{NETWORK}/amendments"


class Officer:
    """A person with a key file, who signs what the API prepared."""

    def __init__(self, space, name, path=None):
        self.name = name
        self.path = path or space.path / f"{name}.key"
        if not path:
            subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path],
                           check=True, capture_output=True)
            self.path.chmod(0o600)
        der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.public = der[-32:].hex()

    def sign(self, message, space):
        text, out = space.path / "message", space.path / "signature"
        text.write_bytes(base64.urlsafe_b64decode(message + "=" * (-len(message) % 4)))
        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", text,
                        "-out", out], check=True, capture_output=True)
        return {"key": self.public, "signature": b64(out.read_bytes())}


def prepare(city, item, path=AMENDMENTS):
    answer = city.http("POST", path + "/prepare", item)
    assert answer.status == 200, answer.body
    return answer.json()


def submit(city, draft, officers, path=AMENDMENTS):
    return city.http("POST", path, {
        "body": draft["body"],
        "signatures": [officer.sign(draft["message"], city.space) for officer in officers]})


def refused(answer, status, *words):
    assert answer.status == status, (answer.status, answer.body)
    reason = answer.json()["error"]["reason"]
    assert all(word in reason for word in words), reason
    print(f"refused: {reason}")


def policy(value):
    return {"items": [{"item": "policy", "key": "language", "value": value}]}


def network(city):
    return city.http("GET", f"/v1/networks/{NETWORK}").json()


def second_amendment(city, first):
    """Two amendments prepared side by side: the second is told so, none is shown as rival."""
    drafts = [prepare(city, policy("en")), prepare(city, policy("hu"))]
    assert drafts[0]["number"] == drafts[1]["number"]
    assert submit(city, drafts[0], [first]).status == 201
    refused(submit(city, drafts[1], [first]), 409, "Another amendment", str(drafts[1]["number"]))
    refused(submit(city, drafts[0], [first]), 409, "already")
    assert network(city)["number"] == drafts[0]["number"]
    assert not network(city)["rival"]


def two_of_two(city, first, second):
    officers = [{"key": o.public, "name": o.name} for o in (first, second)]
    draft = prepare(city, {"items": [{"item": "officers", "officers": officers, "k": 2}]})
    refused(submit(city, draft, [first]), 409, "signed by")
    assert network(city)["k"] == 1
    assert submit(city, draft, [first, second]).status == 201
    assert (network(city)["k"], len(network(city)["officers"])) == (2, 2)
    refused(submit(city, prepare(city, policy("de")), [second]), 409, "signed by 2 officers")


def command_refused(city, *arguments):
    done = city.command("--socket", city.socket, *arguments)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert "signatures of 2 officers" in done.stderr and "--officer-key" in done.stderr, done.stderr
    assert not done.stdout, done.stdout
    return done.stderr.strip()


def parted(federation, officers):
    """Two amendments of one number at two cities that have no link: shown at both afterwards."""
    budapest, bratislava = federation.cities[:2]
    for other in federation.cities[1:]:
        federation.cut(budapest, other)
    draft, rival = prepare(budapest, policy("sk")), prepare(bratislava, policy("cs"))
    assert draft["number"] == rival["number"]
    assert submit(budapest, draft, officers).status == 201
    assert submit(bratislava, rival, officers).status == 201
    for other in federation.cities[1:]:
        federation.mend(budapest, other)
    for city in federation.cities:
        wait_until(lambda c=city: network(c)["rival"], 30, f"{city.slug} knows of both")
        assert "RIVAL AMENDMENTS" in city.hansa("status")
        assert any("charter_rival" in line and line.count("signed_both=") == 2
                   for line in city.log().splitlines()), city.slug
    wait_until(federation.linked, 30, "nobody is dropped")


def founded_by_two(city, first, second):
    """From the genesis on: one signature is not enough for it."""
    ask = {"name": "Two", "slug": "two", "k": 2,
           "officers": [{"key": o.public, "name": o.name} for o in (first, second)]}
    before = len(city.http("GET", "/v1/networks").json()["networks"])
    draft = prepare(city, ask, "/v1/networks")
    refused(submit(city, draft, [first], "/v1/networks"), 409, "officers")
    assert len(city.http("GET", "/v1/networks").json()["networks"]) == before
    assert submit(city, draft, [first, second], "/v1/networks").status == 201
    city.restart()
    assert city.http("GET", "/v1/networks/two").json()["k"] == 2


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:2])
        budapest, bratislava = federation.cities
        first = Officer(space, "first", next((budapest.home / ".config").rglob("*.key")))
        second = Officer(space, "second")
        second_amendment(budapest, first)
        two_of_two(budapest, first, second)
        wait_until(lambda: network(bratislava)["k"] == 2, 10, "bratislava has the amendment")

        # One key on this machine: nothing happens, and the sentence says what is missing.
        print(command_refused(budapest, "suspend", "bratislava"))
        command_refused(budapest, "invite", "--network", NETWORK, "--city", "prague")
        assert budapest.member("bratislava")["standing"] == "active"

        # Both keys: everything goes on as before.
        keys = ["--officer-key", first.path, "--officer-key", second.path]
        prague = City(space, *CITIES[2])
        prague.init()
        prague.start()
        prague.hansa("join", federation.invite(prague, *keys))
        command_refused(budapest, "confirm", "prague", "--network", NETWORK, "--fingerprint",
                        prague.fingerprint)
        budapest.hansa("confirm", "prague", "--network", NETWORK, "--fingerprint",
                       prague.fingerprint, *keys)
        federation.cities.append(prague)
        wait_until(lambda: prague.member("prague")["confirmed"], 10, "prague is confirmed")
        founded_by_two(budapest, first, second)
        wait_until(federation.linked, 30, "all are linked after the restart")
        parted(federation, [first, second])


if __name__ == "__main__":
    sys.exit(main())
