"""A certificate for the stack's own servers, made anew by each stack and gone with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from seawall.stack.ports import HOST


@dataclass(frozen=True)
class Certificate:
    """Files in PEM format."""

    chain: Path
    key: Path
    authority: Path
    """What a client has to trust; its key is not kept."""

    @classmethod
    def made_in(cls, directory: Path) -> Certificate:
        """Make one; the files appear in *directory*, and only their owner can read them."""
        import trustme  # noqa: PLC0415 - few stacks want one, and it takes a while to load

        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = trustme.CA(organization_name="Seawall", organization_unit_name="a stack for tests")
        made = authority.issue_cert(HOST, "localhost")
        files = cls(directory / "chain.pem", directory / "key.pem", directory / "authority.pem")
        for place, blobs in (
            (files.authority, [authority.cert_pem]),
            (files.chain, made.cert_chain_pems),
            (files.key, [made.private_key_pem]),
        ):
            place.touch(mode=0o600)
            place.write_bytes(b"".join(blob.bytes() for blob in blobs))
        return files


class TlsPort(NamedTuple):
    """A port for TLS, and what is shown there."""

    port: int
    certificate: Certificate
