"""How many system calls a message costs: strace counts them, in a pass of its own, since it slows what it watches."""
import re
import signal
import subprocess

from proxies import Void

LINE = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$")


def attach(proxy, summary):
    """strace on all threads; returns once it counts."""
    command = ["strace", "-f", "-c", "-o", summary, "-p", str(proxy.process.pid)]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in strace.stderr:
        if "attached" in line:
            return strace
    raise Void("strace can't attach: " + " ".join(command))


def count(load, proxy, batch, scale, summary):
    """Calls per message, by name, those of holding and letting go among them; at least 0.01 each."""
    some = batch.scaled(scale)
    some.open(load, proxy)
    some.work_off(load, proxy)
    strace = attach(proxy, summary)
    messages = sum(some.work_off(load, proxy)[1] for _ in range(scale.cycles))
    strace.send_signal(signal.SIGINT)
    strace.wait()
    load("close")
    calls = {}
    for line in summary.read_text().splitlines():
        match = LINE.match(line)
        if match and match[2] != "total":
            calls[match[2]] = int(match[1]) / messages
    return calls
