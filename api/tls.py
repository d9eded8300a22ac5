"""TLS of the API's own ports."""

from __future__ import annotations

import ssl

from api.settings import Settings
from contract.errors import BadConnection


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return what connections by TLS need, None where no certificate is given; raises `BadConnection`."""
    certificate, key = settings.api_tls_certificate, settings.api_tls_key
    if certificate is None:
        if key is not None or settings.api_tls_port is not None or settings.api_tls_sockets:
            raise BadConnection(
                "SEAWALL_API_TLS_CERTIFICATE: it is needed for TLS: a file in PEM format, its chain in it"
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # a key with a pass phrase would be asked for on a terminal that is not there
        context.load_cert_chain(certificate, key, password=_no_pass_phrase)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        names = "SEAWALL_API_TLS_CERTIFICATE" + ("" if key is None else ", SEAWALL_API_TLS_KEY")
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise BadConnection(f"{names}: no usable pair of a certificate and its key, in PEM format: {reason}") from None
    return context


def _no_pass_phrase() -> str:
    raise ValueError("the key asks for a pass phrase, which nobody could give")
