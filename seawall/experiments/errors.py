"""Errors of experiments.

ExperimentError
 ├─ BadOptions         options that cannot be run; holds every mistake found
 ├─ BadManifest        a manifest of `deploy/` that does not say what is asked of it
 ├─ ArmNotMade         the servers report another durability than an arm promises
 ├─ LoadFailed         the load process could not make the load
 ├─ NotDrained         the sinks stand still, so further trials would say nothing
 ├─ NotHealed          the service did not come back after a fault, so further ones would say nothing
 ├─ DiskFull           there is no room for what is to be written
 ├─ ImportFailed       a file that the importer does not import, or a server that does not let it
 ├─ NotJudged          the reviews' worker, or the model's service, ended or did not get ready
 ├─ NotRecorded        a directory does not hold a whole recorded run of Locust
 └─ NoTime             a result does not say when its run was
"""


class ExperimentError(Exception):
    """Something that keeps an experiment from its result."""


class BadOptions(ExperimentError):
    """Options that cannot be run."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


class BadManifest(ExperimentError):
    """A manifest that cannot be read, or lacks what is asked of it; the message names the file."""


class ArmNotMade(ExperimentError):
    """The servers report another durability than an arm promises."""


class LoadFailed(ExperimentError):
    """The load process could not make the load."""


class NotDrained(ExperimentError):
    """The sinks stand still with records in the log."""


class NotHealed(ExperimentError):
    """The service did not come back after a fault."""


class DiskFull(ExperimentError):
    """There is no room for what is to be written."""


class ImportFailed(ExperimentError):
    """A file could not be imported; the message is the importer's."""


class NotJudged(ExperimentError):
    """Reviews cannot be judged, since a process ended or did not get ready; the message names its log."""


class NotRecorded(ExperimentError):
    """A directory does not hold a whole recorded run of Locust."""


class NoTime(ExperimentError):
    """A result does not say when its run was."""
