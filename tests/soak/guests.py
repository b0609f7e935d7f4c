"""The guests of the gate: soak_load, which plays them, and what it tells of each."""
import contextlib
import dataclasses
import subprocess
import threading


@dataclasses.dataclass(frozen=True)
class Guest:
    """One connection, as its client saw it. Times are of time.monotonic()."""
    number: int
    kind: str
    client: str
    fickle: bool
    resets: bool
    begun: float
    ended: float
    how: str
    code: str
    heard: int
    sent: int
    received: int
    trouble: str

    @staticmethod
    def read(line):
        _, number, kind, client, flags, begun, ended, how, code, heard, sent, received, trouble = line.split(" ", 12)
        return Guest(int(number), kind, client, "f" in flags, "r" in flags, int(begun) / 1000, int(ended) / 1000, how, code,
                     int(heard), int(sent), int(received), trouble)


class Guests:
    """`on_end(guest)` and `on_lapse(begun, ended)` are called from the thread that reads."""

    def __init__(self, program, ca, seed, patience_s, on_end, on_lapse):
        self._process = subprocess.Popen([program, ca, str(seed), str(patience_s)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self._on_end, self._on_lapse = on_end, on_lapse
        self._quiet = threading.Event()
        self.live = self.sessions = self.most_live = self.most_sessions = 0
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            what, *words = line.rstrip("\n").split(" ", 3)
            if what == "end":
                self._on_end(Guest.read(line.rstrip("\n")))
            elif what == "live":
                self.live, self.sessions = int(words[0]), int(words[1])
                self.most_live, self.most_sessions = max(self.most_live, self.live), max(self.most_sessions, self.sessions)
            elif what == "lapse":
                self._on_lapse(int(words[0]) / 1000, int(words[1]) / 1000)
            else:
                self._quiet.set()

    def _say(self, command):
        print(command, file=self._process.stdin, flush=True)

    def go(self, port, clients, per_second):
        self._quiet.clear()
        self._say(f"go {port} {clients} {per_second}")

    def halt(self):
        self._say("halt")

    def wait_until_gone(self, within_s):
        return self._quiet.wait(within_s)

    def well(self):
        return self._process.poll() is None

    def stop(self):
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self._process.stdin.close()
        self._process.wait(30)
        self._reader.join()
