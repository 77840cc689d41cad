#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Strangers and former members are refused, each with its reason in the log.

No certificate, a key that no roster names, a removed city, a former epoch's key, TLS 1.2, a wrong
ALPN; and a suspended city's live link is cut within a second of the amendment's arrival.
"""
import shutil
import socket
import ssl
import subprocess
import sys
import time

from harness import CITIES, Federation, Workspace, document, wait_until


def certificate(space, name, key=None):
    """A bare self-signed Ed25519 certificate: its file and its key's, of a new key or of `key`."""
    key_path = key or space.path / f"{name}.key"
    path = space.path / f"{name}.pem"
    if key is None:
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key_path],
                       check=True, capture_output=True)
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", key_path, "-out", path, "-subj",
                    "/CN=hansa", "-days", "3650"], check=True, capture_output=True)
    return path, key_path


def knock(city, identity=None, alpn="hansa/1", version=ssl.TLSVersion.TLSv1_3):
    """Connects as a peer would and reads until the end; what came, b"" if refused in TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols([alpn])
    if identity:
        context.load_cert_chain(*identity)
    host, port = city.address().rsplit(":", 1)
    got = b""
    try:
        with socket.create_connection((host, int(port)), 10) as raw:
            with context.wrap_socket(raw) as tls:
                tls.settimeout(10)
                while True:
                    part = tls.recv(65536)
                    if not part:
                        return got
                    got += part
    except (ssl.SSLError, OSError):
        return got


def refused(city, what, reason, **how):
    before = city.log_size()
    got = knock(city, **how)
    # HELLO is frame type 1: a stranger may be told nothing that names a network.
    assert len(got) < 512, f"{what}: {len(got)} bytes were answered"
    wait_until(lambda: reason in city.log_since(before), 10, f"{what}: the log says '{reason}'")
    print(f"refused: {what}: {reason}")


def main():
    with Workspace() as space:
        federation = Federation(space, CITIES[:3])
        budapest, bratislava, prague = federation.cities
        former = space.path / "former.key"
        shutil.copy(bratislava.dir / "keys" / "node.key", former)
        stranger = certificate(space, "stranger")
        refused(budapest, "no certificate", "certificate")
        refused(budapest, "a key that no roster names", "stands in no roster", identity=stranger)
        refused(budapest, "TLS 1.2", "version", identity=stranger,
                version=ssl.TLSVersion.TLSv1_2)
        refused(budapest, "a wrong ALPN", "ALPN", identity=stranger, alpn="http/1.1")
        bratislava.hansa("key", "renew")
        wait_until(lambda: budapest.member("bratislava")["epoch"] == 2, 30,
                   "the new epoch is known")
        refused(budapest, "a former epoch's key", "former epoch",
                identity=certificate(space, "former", former))
        assert bratislava.post(document("under the new epoch")).status == 201
        wait_until(lambda: budapest.seq(bratislava, "doc") == 1, 30, "epoch 2 is accepted")

        wait_until(lambda: budapest.linked(prague), 30, "a live link to prague")
        begin = time.monotonic()
        budapest.hansa("suspend", "prague", "--network", "pact", "--reason", "seized")
        wait_until(lambda: not budapest.linked(prague) and not bratislava.linked(prague), 5,
                   "the suspended city's links are cut")
        took = time.monotonic() - begin
        print(f"suspended: links cut after {took * 1000:.0f} ms, the command included")
        assert prague.post(document("while suspended")).status in (403, 409)
        key = certificate(space, "prague", prague.dir / "keys" / "node.key")
        refused(budapest, "a suspended city", "suspended", identity=key)
        budapest.hansa("resume", "prague", "--network", "pact")
        wait_until(lambda: budapest.linked(prague), 60, "the resumed city is linked again")
        budapest.hansa("remove", "prague", "--network", "pact", "--reason", "left")
        wait_until(lambda: not budapest.linked(prague), 5, "the removed city's link is cut")
        refused(budapest, "a removed city", "removed", identity=key)


if __name__ == "__main__":
    sys.exit(main())
