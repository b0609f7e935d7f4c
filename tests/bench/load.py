"""The clients and the broker, between which the proxies stand: bench_load, by its commands."""
import json
import subprocess

from proxies import PASSWORD, USER, Void


class Load:
    """Each command blocks until it is done, and raises Void where a message or a connection is not accounted for."""

    def __init__(self, stage, patience_s):
        program = stage.build / "tests/bench/load/bench_load"
        self.process = subprocess.Popen([program, stage.path("ca.crt"), USER, PASSWORD, str(patience_s)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stage.broker_port = self._answer()["broker"]

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Void("the load generator has ended")
        answer = json.loads(line)
        if "void" in answer:
            raise Void(answer["void"])
        return answer

    def __call__(self, command, *arguments):
        print(command, *arguments, file=self.process.stdin, flush=True)
        return self._answer()

    def stop(self):
        self.process.kill()
        self.process.wait()
