#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three cities, of which one listens nowhere and dials through a SOCKS5 proxy only.

It joins, and takes full part: alerts from it reach all, and those of the others it. The name of the
city that it dials exists at the proxy alone, and no connection came to anybody but by the proxy.
"""
import socket

from harness import CITIES, Federation, Workspace, alert, wait_until
from socks5_server import Socks5Server

LOGIN = ("hansa", "p@ss:word")
NAME = "budapest.invalid"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main():
    port = free_port()
    proxy = Socks5Server({NAME: "127.0.0.1"}, LOGIN)

    def on(_number, city):
        if city.slug == "budapest":
            city.listen = f"127.0.0.1:{port}"

    def prepare(city):
        if city.slug == "budapest":
            city.configure(f"advertise:\n  - {NAME}:{port}")
            return
        city.configure(f"link:\n  proxy: socks5://hansa:p%40ss%3Aword@127.0.0.1:{proxy.port}")
        if city.slug == "prague":
            city.configure("listen: []")

    with Workspace() as space:
        federation = Federation(space, CITIES[:3], prepare=prepare, on=on)
        budapest, bratislava, prague = federation.cities
        assert prague.json("status")["listen"] == []
        for origin in federation.cities:
            assert origin.post(alert(f"from-{origin.slug}")).status == 201
            for other in federation.cities:
                wait_until(lambda o=other, c=origin: o.seq(c, "alert") == 1, 20,
                           f"the alert of {origin.slug} is at {other.slug}")
        federation.wait_agree()
        with proxy.lock:
            requests, made = list(proxy.requests), set(proxy.made)
        assert (3, NAME, port) in requests, requests
        assert all(kind == 3 for kind, host, _ in requests if host == NAME), requests
        peers = {peer["city"]: peer for peer in budapest.json("peers")["peers"]}
        assert not peers["prague"]["dialled"] and prague.json("peers")["peers"]
        for peer in peers.values():
            if not peer["dialled"]:
                assert int(peer["address"].rsplit(":", 1)[1]) in made, (peer, made)
        for peer in prague.json("peers")["peers"]:
            assert peer["dialled"], peer


if __name__ == "__main__":
    main()
