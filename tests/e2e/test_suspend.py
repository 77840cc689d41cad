#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A city's life through a suspension, with and without a cut, and through renewals of its key.

Prague is suspended by Budapest's officer, is told so, loses nothing of what lies before the cut,
keeps the rest as disowned, and goes on after it was resumed. What lies before a cut reaches a city
that lacks it, although no head of Prague's stands there.
"""
import json
import sys
import threading

from harness import CITIES, Federation, Workspace, document, wait_until

FEED = ("pact", "prague", "doc")


def publish(city, count, name):
    """One upload, so that many records come under few heads; the last seq."""
    lines = "".join(json.dumps(document(f"{name} {i}")) + "\n" for i in range(count))
    answer = city.http("POST", "/v1/networks/pact/records", lines, "application/x-ndjson")
    assert answer.status == 200, answer.body
    got = [json.loads(line) for line in answer.body.splitlines()]
    assert all("seq" in line for line in got), got
    return got[-1]["seq"]


def notice(city):
    return city.status()["networks"][0]["notice"]


def refusal(city):
    """What a person reads who publishes now: one sentence, and nothing was stored."""
    before = city.feeds()
    answer = city.post(document("refused"))
    assert answer.status == 409, (answer.status, answer.body)
    assert city.feeds() == before
    return answer.json()["error"]["code"], answer.reason()


def wait_standing(city, standing):
    wait_until(lambda: city.member("prague")["standing"] == standing, 20,
               f"{city.slug} sees prague as {standing}")


def officer_is_sent_elsewhere(founder, suspended):
    """What an officer signed there would reach nobody, and part its charter from the others'."""
    key = next(founder.home.rglob("officers/*.key"))
    number = suspended.status()["networks"][0]["number"]
    for words in (("resume", suspended.slug), ("suspend", "bratislava"),
                  ("invite", "--city", "graz")):
        said = suspended.command("--socket", suspended.socket, *words, "--officer-key", key)
        assert said.returncode == 1 and "reach no member" in said.stderr, said
    assert suspended.status()["networks"][0]["number"] == number


def without_a_cut(federation, seq):
    """It is told so, and goes on in its epoch once it is active again."""
    budapest, bratislava, prague = federation.cities[:3]
    budapest.hansa("suspend", "prague", "--network", "pact", "--reason", "an audit")
    for city in federation.cities:
        wait_standing(city, "suspended")
    wait_until(lambda: not budapest.linked(prague) and not bratislava.linked(prague), 10,
               "its links have ended")
    said = notice(prague)
    assert said.startswith("This city was suspended from pact on 2") and "(an audit)" in said, said
    assert said in prague.hansa("status").replace("\n", " "), prague.hansa("status")
    assert notice(budapest) is None
    code, reason = refusal(prague)
    assert code == "not_member" and reason == said, (code, reason)
    assert len(prague.records("doc")) == seq
    officer_is_sent_elsewhere(budapest, prague)
    budapest.hansa("resume", "prague", "--network", "pact")
    wait_standing(prague, "active")
    assert notice(prague) is None
    assert publish(prague, 3, "after the audit") == seq + 3
    federation.wait_agree(30)
    return seq + 3


def suspend_behind(federation, seq):
    """Prague and Bratislava hold more than Budapest when its officer draws the cut."""
    budapest, bratislava, prague, warsaw = federation.cities
    warsaw.stop()
    cut = publish(prague, 8, "before the cut")
    for city in (budapest, bratislava):
        wait_until(lambda c=city: c.seq("prague", "doc") == cut, 20, f"{city.slug} has it")
    budapest.hansa("peers", "--deny", "prague")
    budapest.hansa("peers", "--deny", "bratislava")
    wait_until(lambda: not budapest.peers(), 10, "budapest is alone")
    lost = publish(prague, 5, "behind the cut")
    wait_until(lambda: bratislava.seq("prague", "doc") == lost, 20, "bratislava has all")
    assert cut == seq + 8 and lost == cut + 5
    budapest.hansa("suspend", "prague", "--network", "pact", "--cut", "--reason", "seized")
    budapest.hansa("peers", "--allow", "bratislava")
    for city in (bratislava, prague):
        wait_standing(city, "suspended")
        wait_until(lambda c=city: c.seq("prague", "doc") == cut, 10, "the cut is done")
    return cut, lost


def below_the_cut(federation, cut):
    """Warsaw gets it from Bratislava alone, which has no head there, and can prove it."""
    budapest, bratislava, _, warsaw = federation.cities
    budapest.hansa("peers", "--deny", "warsaw")
    warsaw.start()
    wait_until(lambda: warsaw.seq("prague", "doc") == cut, 30, "warsaw has all before the cut")
    assert warsaw.feeds()[FEED] == bratislava.feeds()[FEED] == budapest.feeds()[FEED]
    record = f"pact/prague/doc/{cut}"
    why = warsaw.http("GET", f"/v1/records/{record}/explain").json()
    assert why["head"] is None and why["cut"]["seq"] == cut, why
    assert f"ended the city's epoch 1 with number {cut}" in warsaw.hansa("explain", record)
    path = warsaw.dir / "proof.json"
    path.write_text(warsaw.hansa("export", record, "--as", "json"), encoding="utf-8")
    shown = budapest.hansa("verify", path)
    assert shown.startswith("VERIFIED: before the cut 7"), shown
    budapest.hansa("peers", "--allow", "warsaw")


def is_disowned(city, cut, lost):
    """Kept where it was, and shown as what it is."""
    for seq in range(cut + 1, lost + 1):
        assert city.record(f"pact/prague/doc/{seq}").status == 404
        assert city.record(f"pact/prague/doc/{seq}@1").json()["state"] == "disowned"
    assert "DISOWNED" in city.hansa("show", f"pact/prague/doc/{lost}@1")
    assert len([r for r in city.records("doc") if r["city"] == "prague"]) == cut


def with_a_cut(federation, seq):
    budapest, bratislava, prague, warsaw = federation.cities
    cut, lost = suspend_behind(federation, seq)
    assert refusal(prague)[0] == "not_member"
    is_disowned(prague, cut, lost)
    is_disowned(bratislava, cut, lost)
    prague.restart()  # its guard says more than is left
    assert prague.status()["publishing"]["state"] == "open", prague.status()["publishing"]
    assert "(seized)" in notice(prague)
    below_the_cut(federation, cut)

    budapest.hansa("peers", "--allow", "prague")
    budapest.hansa("resume", "prague", "--network", "pact")
    wait_standing(prague, "active")
    prague.restart()
    wait_until(lambda: bratislava.linked(prague), 20, "prague is linked again")
    said = notice(prague)
    assert "`hansa key renew`" in said and "epoch 1" in said, said
    assert refusal(prague) == ("state", said)
    prague.hansa("key", "renew")
    assert notice(prague) is None
    assert publish(prague, 4, "epoch two") == cut + 4
    federation.wait_agree(60)
    assert all(c.feeds()[FEED][0] == cut + 4 for c in federation.cities)
    # The same numbers, another history: both are there.
    for city in (prague, bratislava):
        assert city.record(f"pact/prague/doc/{cut + 1}").json()["title"] == "epoch two 0"
        old = city.record(f"pact/prague/doc/{cut + 1}@1").json()
        assert old["title"] == "behind the cut 0" and old["state"] == "disowned"
    assert "epoch 1" in warsaw.hansa("explain", f"pact/prague/doc/{cut}")
    wrong = federation.mismatches()
    assert not wrong, wrong
    return cut + 4


def renewed_while_publishing(federation, seq):
    """Whoever publishes while the key is renewed waits a moment, and is refused nothing."""
    prague = federation.cities[2]
    done = threading.Event()
    answers = []

    def keep_publishing():
        connection = prague.connection()
        while not done.is_set():
            answer = prague.post(document("meanwhile"), connection=connection)
            answers.append((answer.status, answer.body))
        connection.close()

    threads = [threading.Thread(target=keep_publishing) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        count = len(answers)
        wait_until(lambda c=count: len(answers) > c + 20, 30, "it is published")
        prague.hansa("key", "renew")
    done.set()
    for thread in threads:
        thread.join()
    refused = [answer for answer in answers if answer[0] != 201]
    assert not refused, refused[:3]
    seqs = sorted(json.loads(body)["seq"] for _, body in answers)
    assert seqs == list(range(seq + 1, seq + 1 + len(answers))), "each number once, none left out"
    federation.wait_agree(60)
    assert prague.status()["feeds"] and prague.seq("prague", "doc") == seq + len(answers)
    assert prague.member("prague")["epoch"] == 5


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES)
        seq = publish(federation.cities[2], 10, "first")
        federation.wait_agree(30)
        seq = without_a_cut(federation, seq)
        print(f"suspended and resumed: goes on at {seq}")
        seq = with_a_cut(federation, seq)
        print(f"the same with a cut, under a new epoch: goes on at {seq}")
        renewed_while_publishing(federation, seq)
        print("key renewed while it published")


if __name__ == "__main__":
    sys.exit(main())
