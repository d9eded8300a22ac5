"""`stream csv`: a CSV file into the database, directly and through the log, and each row followed to its place.

One way alone imports the file: it goes on where an earlier import stopped, and stores nothing twice. Several are a
comparison: each begins anew, but for one that was stopped before, and the rows of the last one stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from seawall.audit.csv_file import audit_csv, form_of
from seawall.experiments.arms import ArmPlan, arm_of
from seawall.experiments.csv_judgement import judged, outcome_of, reasons_of, targets_of
from seawall.experiments.csv_trial import Imported, import_file
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.seconds import reached
from seawall.experiments.stream_csv_options import SAMPLE_ENCODINGS, CsvOptions
from seawall.load.csv_sample import write_sample
from seawall.result import Outcome, Result
from seawall.result.csv_import import CSV, KAFKA, CsvFinding, LoaderFinding
from seawall.stack.csv_tables import LOADERS, LoaderRefused, imports_of, load, write_clean
from seawall.stack.stack import Stack


class Watcher(Protocol):
    """Sees how a run goes on."""

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Begin an import; number 0 is what comes before or after all of them."""
        ...

    def import_goes_on(self, state: dict[str, Any], size_bytes: int) -> None:
        """Called a few times a second, with what the importer said last."""
        ...

    def finding(self, number: int, total: int, finding: CsvFinding) -> None:
        """What became of it."""
        ...


@dataclass(frozen=True)
class CsvRun:
    """The file by each way, one after the other, on one stack."""

    options: CsvOptions
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Import by all ways; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: what is imported stays, and the result says so. Raises
        `ImportFailed` where the importer, or a server, cannot go on.
        """
        facts = RunFacts.begin(CSV, self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        ways = self.options.ways
        arms = [arm_of(ArmPlan(name=way, path="kafka" if way == KAFKA else "sync"), settings) for way in ways]
        findings: list[CsvFinding] = []
        loaders: list[LoaderFinding] = []
        left_out: list[str] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            shown = _beside(findings, loaders)
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome_of(shown, whole=len(shown) == len(ways)),
                interrupted=interrupted,
                reasons=[*reasons, *left_out, *reasons_of(shown)],
                arms=arms,
                targets=list(targets_of(shown)),
                verdicts={one.arm: one.outcome for one in shown},
                csv=shown,
                csv_loader=loaders[0] if loaders else None,
            )

        def work() -> None:
            file, imported = self._file(watcher), None
            for number, way in enumerate(ways, start=1):
                watcher.trial_starts(number, len(ways), way)
                imported, finding = self._import(file, way, number, watcher)
                findings.append(finding)
                write(result())
                watcher.finding(number, len(ways), finding)
            if self.options.loader and imported is not None and imported.in_table:
                watcher.trial_starts(0, len(ways), "the database's own loader")
                try:
                    loaders.append(self._load(imported))
                except LoaderRefused as refusal:
                    left_out.append(str(refusal))

        return run_to_an_end(work, result, write, anything=lambda: True)

    def _file(self, watcher: Watcher) -> Path:
        """Return the file, or a sample of it."""
        if self.options.file is not None:
            return self.options.file
        watcher.trial_starts(0, len(self.options.ways), "writing a sample")
        encoding = SAMPLE_ENCODINGS[self.options.encoding]
        path = self.directory / "raw" / "sample.csv"
        return write_sample(path, self.options.rows, seed=self.options.seed, encoding=encoding).path

    def _import(self, file: Path, way: str, number: int, watcher: Watcher) -> tuple[Imported, CsvFinding]:
        place = self.directory / "raw" / f"{number:02d}-{way}"
        begun = imports_of(self.stack.connections, file)
        is_alone = len(self.options.ways) == 1
        anew = (self.options.anew and number == 1) or not (is_alone or begun.get(way) is False)
        imported = import_file(self.stack, self.options, file, way, place, anew=anew, on_state=watcher.import_goes_on)
        watcher.trial_starts(0, len(self.options.ways), f"{way}: holding every row against the file")
        rejects = place / "rejects.csv"
        found = audit_csv(self.stack.connections, file, imported.span, rejects, form_of(imported.begins))
        state, begins = imported.state, imported.begins
        seconds = behind_s = None
        is_whole = imported.stored == state["good"] and not begins["resumed_line"]
        if imported.visible_ns is not None and is_whole:
            seconds = round((imported.visible_ns - begins["opened_ns"]) / 1e9, 6)
            behind_s = round(max(0, imported.visible_ns - state["at_ns"]) / 1e9, 6)
        finding = CsvFinding(
            arm=way,
            good=state["good"],
            bad=state["bad"],
            stored=imported.stored,
            in_table=found.in_table,
            in_rejects=found.in_rejects,
            lost=found.lost,
            unreported=found.unreported,
            corrupted=found.corrupted,
            phantom=found.phantom,
            doubled=found.doubled,
            wrongly_rejected=found.wrongly_rejected,
            buried=imported.buried,
            resumed_line=begins["resumed_line"],
            size_bytes=begins["size_bytes"],
            read_as=begins["read_as"],
            seconds=seconds,
            rows_per_s=round(state["good"] / seconds, 1) if seconds else None,
            behind_s=behind_s,
            memory_bytes=imported.memory_bytes,
            cpu_s=imported.cpu_s,
            read=reached(imported.read, begins["opened_ns"]),
            visible=reached(imported.visible, begins["opened_ns"]),
            rejects=str(rejects.relative_to(self.directory)),
            outcome=Outcome.PASS,
        )
        outcome, reasons = judged(finding, drained=imported.visible_ns is not None, examples=found.examples)
        return imported, msgspec.structs.replace(finding, outcome=outcome, reasons=reasons)

    def _load(self, imported: Imported) -> LoaderFinding:
        """Have the database load the rows that are in the table now by itself, from a clean file."""
        connections, path = self.stack.connections, self.directory / "raw" / "clean.csv"
        others = [name for name in imported.begins["columns"] if name.lower() not in ("name", "age")]
        try:
            write_clean(connections, imported.span, others, path)
            rows, seconds = load(connections, path, len(others))
        finally:
            path.unlink(missing_ok=True)
        name = LOADERS[connections.database]
        return LoaderFinding(name=name, rows=rows, seconds=round(seconds, 6), rows_per_s=round(rows / seconds, 1))


def _beside(findings: list[CsvFinding], loaders: list[LoaderFinding]) -> list[CsvFinding]:
    """Return the findings with their share of what the loader takes, where it was asked."""
    if not loaders:
        return list(findings)
    return [
        msgspec.structs.replace(one, share_of_loader=round(one.rows_per_s / loaders[0].rows_per_s, 4))
        if one.rows_per_s is not None
        else one
        for one in findings
    ]
