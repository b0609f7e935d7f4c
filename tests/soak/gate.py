"""The gate as a process: started, asked, signalled and killed; its log is read as it is written."""
import http.client
import json
import os
import re
import signal
import struct
import subprocess
import threading
import time
from pathlib import Path

ENDING = re.compile(r"^\S+ (?:refused|closed) client=(?P<client>\S+) listener=\S+ "
                    r"(?:stage=\S+ reason=(?P<reason>\S+)(?: cause=(?P<cause>\S+))?|how=(?P<how>\S+)) ")
MESSAGE = re.compile(r"^\S+ (?P<level>error|warning|info) (?P<text>.*)")
SAMPLE = re.compile(r"^(?P<name>[^ #]+) (?P<value>\S+)$", re.M)
START_S = 60


class Clock:
    """What the gate's time of day is off by: clock_jump.c reads it from this file."""

    def __init__(self, file):
        self.file = Path(file)
        self.set(0)

    def set(self, offset_s):
        # In place: the gate has the page mapped.
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("=q", offset_s))


class Gate:
    """`on_ending(client, ending, at)` and `on_message(level, text)` are called from the thread that reads the log."""

    def __init__(self, stage, on_ending, on_message):
        self._ports = stage.path("ports")
        self._ports.unlink(missing_ok=True)
        self._control = [stage.program, "--socket", stage.path("control.sock")]
        self._on_ending, self._on_message = on_ending, on_message
        environment = {**os.environ, "SOAK_CLOCK": str(stage.clock.file), "LD_PRELOAD": str(stage.clock_jump)}
        command = [stage.program, "run", "-c", stage.policy, "--ports-file", self._ports, "--user", "root"]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        errors="replace")
        self._reader = threading.Thread(target=self._read_log, args=(stage.path("gate.log"),))
        self._reader.start()
        self._wait_until_up()
        ports = self._ports.read_text()
        self.port = int(re.search(r"^listener devices \S+:(\d+)$", ports, re.M)[1])
        self._admin = int(re.search(r"^admin \S+:(\d+)$", ports, re.M)[1])

    def _wait_until_up(self):
        give_up_at = time.monotonic() + START_S
        while not self._ports.exists():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                self.process.kill()
                raise SystemExit("the gate did not start; see gate.log")
            time.sleep(0.01)

    def _read_log(self, file):
        with file.open("a") as log:
            for line in self.process.stderr:
                log.write(line)
                if ending := ENDING.match(line):
                    how = ending["how"] or f"{ending['reason']}/{ending['cause'] or '-'}"
                    self._on_ending(ending["client"], how, time.monotonic())
                elif message := MESSAGE.match(line):
                    self._on_message(message["level"], message["text"])
                else:
                    self._on_message("alien", line.rstrip())

    # --- asking ---

    def metrics(self):
        """All samples by name and labels; from one look at all counters."""
        connection = http.client.HTTPConnection("127.0.0.1", self._admin, timeout=30)
        try:
            connection.request("GET", "/metrics")
            return {sample["name"]: float(sample["value"]) for sample in SAMPLE.finditer(connection.getresponse().read().decode())}
        finally:
            connection.close()

    def status(self):
        program, *socket = self._control
        done = subprocess.run([program, "status", "--json", *socket], capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def _proc(self, name):
        return Path(f"/proc/{self.process.pid}/{name}")

    def memory_kib(self):
        """Resident, and its share of what it shares; to others than root, who may not look into it, its share is all."""
        resident = int(re.search(r"^VmRSS:\s+(\d+) kB", self._proc("status").read_text(), re.M)[1])
        try:
            return resident, int(re.search(r"^Pss:\s+(\d+) kB", self._proc("smaps_rollup").read_text(), re.M)[1])
        except PermissionError:
            return resident, resident

    def threads(self):
        return int(re.search(r"^Threads:\s+(\d+)", self._proc("status").read_text(), re.M)[1])

    def descriptors(self):
        """What each is, without the numbers that differ from one to the next; nothing where that is for root to see."""
        found = []
        try:
            entries = list(self._proc("fd").iterdir())
        except PermissionError:
            return found
        for entry in entries:
            try:
                found.append(re.sub(r"\d+", "N", os.readlink(entry)))
            except FileNotFoundError:
                pass  # closed meanwhile
        return sorted(found)

    def descriptors_at_rest(self):
        """Once every worker has begun (it keeps a descriptor in reserve), and nobody's question is open any more."""
        self.metrics()
        before = None
        while (now := self.descriptors()) != before:
            before = now
            time.sleep(0.2)
        return now

    # --- ending ---

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        self.process.kill()
        return self._ended(10)

    def terminate(self, within_s):
        """Its exit code, and how long it took; None where it was not in time."""
        begun = time.monotonic()
        self.process.terminate()
        code = self._ended(within_s)
        return code, time.monotonic() - begun

    def _ended(self, within_s):
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        self._reader.join()
        return code
