#!/usr/bin/env python3
"""Measures how small the gate is: its file, its libraries, its memory idle and with many TLS clients, its start."""
import argparse
import base64
import getpass
import hashlib
import json
import os
import re
import resource
import shlex
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
USER, PASSWORD = "device", "Wonderland-4711"
PATIENCE_S = 120
KEEP_ALIVE_S = 600

POLICY = """schema = 1
[gate]
workers = 1
[admin]
address = "127.0.0.1:0"
[upstream]
address = "unix:broker.sock"
[tls]
certificate = "server-ecdsa.crt"
key = "server-ecdsa.key"
[[listener]]
name = "devices"
address = "127.0.0.1:0"
[admission]
allow = ["127.0.0.1"]
connections_max = {clients_max}
connections_per_address_max = {clients_max}
connect_rate_per_address = {{ burst = 100000, every = "1ms" }}
[authentication]
password_file = "passwd"
"""


class Broker(threading.Thread):
    """Admits whoever the gate lets through, and says nothing more."""

    CONNACK = bytes([0x20, 2, 0, 0])

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(4096)
        self.admitted = []

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            if connection.recv(4096):  # the gate asks by a bare connection whether the broker is there
                connection.sendall(self.CONNACK)
                self.admitted.append(connection)


def text(value):
    return len(value).to_bytes(2, "big") + value.encode()


def connect_packet(client):
    body = text("MQTT") + bytes([4, 0xC2]) + KEEP_ALIVE_S.to_bytes(2, "big") + text(client) + text(USER) + text(PASSWORD)
    return bytes([0x10, len(body)]) + body


class Gate:
    """The program between a broker of our own and clients of our own."""

    def __init__(self, program, emulator=(), clients_max=1000):
        self.home = tempfile.TemporaryDirectory()
        self.place = Path(self.home.name)
        self.clients = []
        subprocess.run([HERE.parents[1] / "certs/make-certs", self.place], check=True, stdout=subprocess.DEVNULL)
        salt = os.urandom(12)
        hashed = hashlib.sha512(PASSWORD.encode() + salt).digest()
        entry = f"{USER}:$6${base64.b64encode(salt).decode()}${base64.b64encode(hashed).decode()}\n"
        self._write("passwd", entry, 0o600)
        self._write("policy.toml", POLICY.format(clients_max=clients_max + 8))
        Broker(self.place / "broker.sock").start()
        self.trust = ssl.create_default_context(cafile=self.place / "ca.crt")
        self.trust.check_hostname = False
        command = [*emulator, program, "run"]
        # Where root runs this, its files are root's, and the gate must stay root to read them.
        if "--user" in subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout:
            command += ["--user", getpass.getuser()]
        self._start([*command, "-c", self.place / "policy.toml", "--ports-file", self.place / "ports"])

    def _write(self, name, content, mode=0o644):
        (self.place / name).write_text(content)
        (self.place / name).chmod(mode)

    def _start(self, command):
        """Waits for what the service manager would wait for, so that nothing has to be asked again and again."""
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(str(self.place / "notify.sock"))
        manager.settimeout(PATIENCE_S)
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.place / "notify.sock")}
        begun = time.monotonic()
        with open(self.place / "gate.log", "wb") as log:
            self.process = subprocess.Popen(command, stderr=log, env=environment)
        threading.Thread(target=self._report_death, args=(str(self.place / "notify.sock"),), daemon=True).start()
        with manager:
            while b"READY=1" not in (said := manager.recv(4096)):
                if said == b"DEAD":
                    raise RuntimeError("the gate did not start:\n" + (self.place / "gate.log").read_text())
        self.port = int(re.search(r"^listener devices \S+:(\d+)$", (self.place / "ports").read_text(), re.M)[1])
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.start_s = time.monotonic() - begun

    def _report_death(self, manager):
        self.process.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
            try:
                messenger.sendto(b"DEAD", manager)
            except OSError:
                pass  # nobody waits for it any more

    def admit(self, count):
        """Clients that stay, each with TLS and a password that was verified."""
        for _ in range(count):
            plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
            client = self.trust.wrap_socket(plain, server_hostname="localhost")
            client.sendall(connect_packet(f"client-{len(self.clients)}"))
            answer = client.recv(4)
            if answer != Broker.CONNACK:
                raise RuntimeError(f"a client was not admitted: {answer!r}\n" + (self.place / "gate.log").read_text()[-2000:])
            self.clients.append(client)

    def resident_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M)[1])

    def stop(self):
        for client in self.clients:
            client.close()
        self.process.kill()
        self.process.wait()
        self.home.cleanup()


def libraries(program, readelf="readelf"):
    """The shared libraries that the program asks for by itself."""
    said = subprocess.run([readelf, "-d", program], capture_output=True, text=True, check=True).stdout
    return sorted(re.findall(r"\(NEEDED\).*\[(\S+)\]", said))


def stripped_bytes(program, strip="strip"):
    with tempfile.NamedTemporaryFile() as copy:
        subprocess.run([strip, "-o", copy.name, program], check=True)
        return os.stat(copy.name).st_size


def measure(program, emulator=(), strip="strip", clients=1000):
    """All of it. Beneath an emulator, memory is the emulator's too."""
    wanted = 2 * clients + 512  # their sockets and the broker's are this process's; the gate inherits the limit for its own
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    gate = Gate(program, emulator, clients)
    try:
        idle = gate.resident_kib()
        gate.admit(clients)
        full = gate.resident_kib()
    finally:
        gate.stop()
    return {
        "stripped_bytes": stripped_bytes(program, strip),
        "libraries": libraries(program),
        "start_s": round(gate.start_s, 3),
        "idle_kib": idle,
        "clients": clients,
        "with_clients_kib": full,
        "per_client_kib": round((full - idle) / clients, 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path)
    parser.add_argument("--emulator", default="", help="a command that runs it here, such as 'qemu-arm-static -L SYSROOT'")
    parser.add_argument("--strip", default="strip", help="for its kind of processor")
    parser.add_argument("--clients", type=int, default=1000)
    options = parser.parse_args()
    print(json.dumps(measure(options.program, shlex.split(options.emulator), options.strip, options.clients), indent=2))


if __name__ == "__main__":
    main()
