#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two hundred handshakes at once: an alert does not wait for them, and none of them is refused.

64 connections that say nothing take every handshake that a daemon has under way at once, for 5 s.
136 more have sent their first flight and wait. An alert goes between two linked cities meanwhile;
then each of those who waited is answered, without having to dial again.
"""
import select
import socket
import ssl
import sys
import time

from harness import CITIES, Events, Federation, Workspace, alert

SILENT = 64  # LISTENER_HANDSHAKES_MAX
WAITING = 136
WITHIN_S = 30


def connect(city):
    host, port = city.address().rsplit(":", 1)
    return socket.create_connection((host, int(port)), 10)


def client_hello():
    """A first flight; nobody looks whether it is answered well."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["hansa/1"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:2])
        budapest, bratislava = federation.cities
        events = Events(bratislava)
        hello = client_hello()
        silent = [connect(budapest) for _ in range(SILENT)]
        waiting = [connect(budapest) for _ in range(WAITING)]
        for one in waiting:
            one.sendall(hello)
        begun = time.monotonic()
        answer = budapest.post(alert("storm-1"))
        assert answer.status == 201, answer.body
        told = None
        while not told:
            told = events.find(lambda name, data: data.get("lane") == "alert")
            assert not select.select(waiting, [], [], 0.005)[0], \
                "a handshake went on before the alert came: those that were silent took no place"
            assert time.monotonic() - begun < WITHIN_S, "the alert did not come"
        print(f"alert: {(told[0] - begun) * 1000:.0f} ms, while {WAITING} handshakes waited")
        assert budapest.linked(bratislava), "the link was lost"

        left = set(waiting)
        while left:
            ready = select.select(list(left), [], [], WITHIN_S)[0]
            assert ready, f"{len(left)} of {WAITING} were not answered within {WITHIN_S} s"
            for one in ready:
                assert one.recv(1), "one of those who waited was refused"
            left -= set(ready)
        print(f"answered: all {WAITING} after {time.monotonic() - begun:.1f} s")
        for one in silent + waiting:
            one.close()
        events.close()


if __name__ == "__main__":
    sys.exit(main())
