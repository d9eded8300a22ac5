"""The orders of one trial of the fleet: a producer's process, whose journal becomes the trial's ledger."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from contract.ids import new_run
from contract.order_journal import Bare, Began, Ended, Line, Ordered, decode_line
from seawall.experiments.errors import LoadFailed
from seawall.load.trial import Progress, TrialDone, TrialLoad
from seawall.result import InstrumentHealth
from seawall.stack.children import last_lines
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack
from seawall.stack.usage import ResourceUse
from seawall.stack.worker import Worker

_POLL_S = 0.25
_BEGINS_WITHIN_S, _BESIDE_SCHEDULE_S = 60.0, 60.0


@dataclass
class OrderJournal:
    """What the producer noted, in its order."""

    began: Began
    orders: list[Ordered] = field(default_factory=list)
    """Those for which nobody was found are among them."""
    bare: list[Bare] = field(default_factory=list)
    ended: Ended | None = None

    @classmethod
    def read(cls, path: Path) -> OrderJournal:
        """Read what is whole of the file at *path*; raises `LoadFailed` where it does not even begin."""
        lines: list[Line] = [decode_line(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []
        if not lines or not isinstance(lines[0], Began):
            raise LoadFailed(f"the order producer did not begin: {path} is empty")
        return cls(
            lines[0],
            [line for line in lines if isinstance(line, Ordered)],
            [line for line in lines if isinstance(line, Bare)],
            next((line for line in lines if isinstance(line, Ended)), None),
        )


class FleetLoad:
    """Makes one trial's orders after the other."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self._stack, self._directory = stack, directory
        self._variables: dict[str, str] = {}
        self._worker: Worker | None = None
        self.noted: OrderJournal
        """What the producer noted in the last trial."""
        self.on_begin: Callable[[int], None] = lambda _: None
        """Hears when the schedule begins, monotonic ns."""

    def prepare(self, variables: dict[str, str]) -> None:
        """Have the next trial's producer run with these variables."""
        self._variables = variables

    def journal_of(self, trial: str) -> Path:
        """Return the file that the producer writes in that trial."""
        return self._directory / "raw" / f"{trial}-orders.jsonl"

    def run(self, trial: TrialLoad, on_progress: Callable[[Progress], None]) -> TrialDone:
        """Make one trial's orders; raises `LoadFailed`. What ends this ends the producer."""
        journal, ledger = self.journal_of(trial.name), Path(trial.directory) / f"{trial.name}.parquet"
        run, log = new_run(), self._directory / "logs" / "order-producer.log"
        length_s = trial.warmup_s + trial.duration_s
        variables = {
            **self._variables,
            "SEAWALL_PRODUCER_BUYERS": str(trial.users),
            "SEAWALL_PRODUCER_RATE_PER_S": repr((trial.rate_per_s or 0.0) * trial.users),
            "SEAWALL_PRODUCER_S": repr(length_s),
            "SEAWALL_PRODUCER_SEED": str(trial.seed),
            "SEAWALL_PRODUCER_RUN_MS": str(run.ms),
            "SEAWALL_PRODUCER_RUN_NONCE": str(run.nonce),
            "SEAWALL_PRODUCER_JOURNAL": str(journal),
        }
        printed = self._directory / "logs" / f"{trial.name}-producer.txt"
        with Worker(
            "workers.order_producer", self._stack, variables, output=printed, log=log, niceness=0
        ) as self._worker:
            self._follow(trial, journal, length_s, on_progress)
            code = self._worker.exit_code
        rss_bytes, self._worker = self._rss_bytes, None
        if code:
            raise LoadFailed(f"{trial.name}: the order producer ended with code {code}: {last_lines(log, 1)}")
        self.noted = noted = OrderJournal.read(journal)
        sent = _written(journal, ledger, trial.seed)
        cpu_s = noted.ended.cpu_s if noted.ended else 0.0
        return TrialDone(
            name=trial.name,
            ledger=str(ledger),
            start_ns=noted.began.start_ns,
            end_ns=noted.ended.end_ns if noted.ended else noted.began.start_ns + int(length_s * 1e9),
            planned=noted.ended.planned if noted.ended else sent,
            sent=sent,
            cpu_s=cpu_s,
            rss_bytes=rss_bytes,
            interrupted=noted.ended is None,
            health=InstrumentHealth(cpu_share=round(cpu_s / length_s, 3)),
        )

    def use(self, *, thorough: bool = False) -> ResourceUse | None:
        """Return what the producer has used so far; None between trials."""
        return None if self._worker is None else self._worker.use(thorough=thorough)

    def _follow(
        self, trial: TrialLoad, journal: Path, length_s: float, on_progress: Callable[[Progress], None]
    ) -> None:
        """Wait for the producer's end; one that goes on for too long is stopped."""
        assert self._worker is not None
        worker, read, answered, failed, began, waited_s = self._worker, 0, 0, 0, False, 0.0
        self._rss_bytes = 0
        while not worker.wait(_POLL_S):
            waited_s += _POLL_S
            use = worker.use()
            self._rss_bytes = max(self._rss_bytes, use.rss_bytes if use else 0)
            fresh, read = _whole_lines(journal, read)
            for line in map(decode_line, fresh):
                if isinstance(line, Began):
                    began, waited_s = True, 0.0
                    self.on_begin(line.start_ns)
                elif isinstance(line, Ordered):
                    answered += 1
                    failed += line.status // 100 != 2  # noqa: PLR2004 - HTTP
            on_progress(Progress(name=trial.name, answered=answered, failed=failed))
            if waited_s > (length_s + _BESIDE_SCHEDULE_S if began else _BEGINS_WITHIN_S):
                raise LoadFailed(f"{trial.name}: the order producer does not {'end' if began else 'begin'}")


def _whole_lines(path: Path, begin: int) -> tuple[list[bytes], int]:
    """Return the lines of a growing file from *begin* on, and where the next ones will begin."""
    if not path.exists():
        return [], begin
    with path.open("rb") as file:
        file.seek(begin)
        content = file.read()
    end = content.rfind(b"\n") + 1
    return content[:end].splitlines(), begin + end


def _written(journal: Path, ledger: Path, seed: int) -> int:
    """Have the ledger written by a process that may use what the load side uses, and return how many orders it has."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.load.order_ledger", str(journal), str(ledger), str(seed)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))},
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise LoadFailed(f"the journal of orders cannot be read: {said[-1] if said else f'code {done.returncode}'}")
    return int(done.stdout)
