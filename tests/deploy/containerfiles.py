"""Containerfiles, read and carried out without a container engine, as far as Seawall's own go.

What such an image holds is laid out below a directory: the trees that are copied into it, and of the packages exactly
those of its lock, taken from this environment. It then runs in a mount namespace whose root is that directory, to be
read only, with this system's own libraries; as the image's user, without any capability, and with the image's
environment and nothing else. The network is this machine's.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seawall.stack.places import ROOT

CONTAINERS = ROOT / "deploy" / "containers"
VENV = Path("/opt/seawall")
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc")
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==", re.MULTILINE)


@dataclass(kw_only=True)
class Image:
    """What the last stage of a Containerfile leaves, as far as a start needs it."""

    base: str = ""
    copies: list[tuple[str, str]] = field(default_factory=list)
    """From a path of the repository to one of the image."""
    lock: str = ""
    """The file of hashes that its packages come from."""
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)

    @property
    def start(self) -> list[str]:
        """What is run when nothing else is said."""
        return [*self.entrypoint, *self.command]


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction with what follows it, continued lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def read_image(role: str) -> Image:  # noqa: C901, PLR0912 - a case an instruction
    """Return the image of a role; raises `ValueError` for an instruction that is not known here."""
    found = Image()
    arguments: dict[str, str] = {}
    copies: list[tuple[str, str]] = []
    for word, rest in instructions((CONTAINERS / f"Containerfile.{role}").read_text(encoding="utf-8")):
        match word:
            case "ARG":
                name, _, value = rest.partition("=")
                arguments[f"${{{name}}}"] = value
            case "FROM":  # what a stage sets ends with it; what it holds may be copied on
                base = rest.split()[0]
                found = Image(base=arguments.get(base, base), lock=found.lock)
            case "COPY" if rest.startswith("--from="):
                found.copies += [pair for pair in copies if pair[1].startswith(rest.split()[-1])]
            case "COPY":
                source, target = rest.split()
                copies.append((source, target))
            case "RUN":
                if "pip install" in rest:
                    assert "--require-hashes" in rest
                    inside = rest.split()[-1]
                    found.lock = next(source for source, target in copies if target == inside)
            case "ENV":
                found.environment |= dict(part.partition("=")[::2] for part in shlex.split(rest))
            case "WORKDIR":
                found.directory = rest
            case "USER":
                found.user = rest
            case "EXPOSE":
                found.ports |= {int(port) for port in rest.split()}
            case "ENTRYPOINT":
                found.entrypoint = json.loads(rest)
            case "CMD":
                found.command = json.loads(rest)
            case "HEALTHCHECK":
                found.health = json.loads(rest[rest.index("CMD ") + 4 :])
            case _:
                raise ValueError(f"{word} is not known here")
    return found


def locked(name: str) -> set[str]:
    """Return the names of the packages that a lock pins, in their normal form."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {re.sub(r"[-_.]+", "-", found).lower() for found in _PIN.findall(text)}


def lay_out(image: Image, root: Path) -> None:
    """Put what *image* holds below *root*, which is empty."""
    for source, target in image.copies:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, root / target[1:], ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (root / target[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, root / target[1:])
    _lay_out_packages(locked(image.lock), root / VENV.relative_to("/"))
    base = Path(sys.base_prefix)
    for place in (*_SYSTEM, str(base), "/dev", "/proc", "/tmp"):  # noqa: S108 - inside the new root
        (root / place[1:]).mkdir(parents=True, exist_ok=True)
    for directory in [path for path in (root, *root.rglob("*")) if path.is_dir() and not path.is_symlink()]:
        directory.chmod(0o755)


def _lay_out_packages(names: set[str], venv: Path) -> None:
    site = venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    programs = venv / "bin"
    for directory in (site, programs):
        directory.mkdir(parents=True)
    (programs / "python").symlink_to(Path(sys.executable).resolve())
    (venv / "pyvenv.cfg").write_text(f"home = {Path(sys.base_prefix) / 'bin'}\n", encoding="utf-8")
    ours = Path(sys.prefix) / "bin"
    for distribution in importlib.metadata.distributions():
        if re.sub(r"[-_.]+", "-", distribution.name).lower() not in names:
            continue
        for file in distribution.files or ():
            path = Path(os.path.normpath(str(distribution.locate_file(file))))
            if path.parent == ours:
                program = path.read_text(encoding="utf-8", errors="replace")
                _, newline, rest = program.partition("\n")
                (programs / path.name).write_text(f"#!{VENV}/bin/python{newline}{rest}", encoding="utf-8")
                (programs / path.name).chmod(0o755)
            elif ".." not in file.parts and path.suffix != ".pyc":
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(path, target)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another file system
        shutil.copy2(path, target)


def inside(
    root: Path,
    image: Image,
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    temporary: Sequence[str] = ("/tmp",),  # noqa: S108 - inside the new root
    mounts: Mapping[str, Path] | None = None,
) -> list[str]:
    """Return the command that runs *words* in *image*, laid out below *root*.

    *temporary* are directories that can be written to and begin empty; *mounts* are files and directories of ours, by
    where they are seen; directories among them can be written to. The process of the command is that of *words*.
    """
    steps = ["set -e", f"cd {shlex.quote(str(root))}", "mount --bind . ."]
    steps += [f"cd {shlex.quote(str(root))}"]
    for place in [*_SYSTEM, sys.base_prefix]:
        if Path(place).exists():
            steps += [f"mount --rbind {place} .{place}", f"mount -o remount,bind,ro .{place}"]
    steps += ["mount --rbind /dev ./dev", "mount -t proc proc ./proc"]
    for place in temporary:
        (root / place[1:]).mkdir(parents=True, exist_ok=True)
        steps.append(f"mount -t tmpfs -o mode=1777,size=64m tmpfs .{place}")
    for place, source in (mounts or {}).items():
        target = root / place[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.mkdir(exist_ok=True) if source.is_dir() else target.touch()
        steps.append(f"mount --bind {shlex.quote(str(source))} .{place}")
    user, _, group = image.user.partition(":")
    words = [
        "setpriv",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        "--no-new-privs",
        *_NO_CAPABILITIES,
        *words,
    ]
    variables = {**image.environment, **environment}
    # `env` of the new root finds the program on the image's path, and changes to the image's directory
    entered = ["chroot", ".", "/usr/bin/env", "-i", f"--chdir={image.directory}"]
    entered += [f"{name}={value}" for name, value in variables.items()]
    steps += ["mount -o remount,bind,ro .", f"exec {shlex.join([*entered, *words])}"]
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(steps)]


_NO_CAPABILITIES = ("--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")
