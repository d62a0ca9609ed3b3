"""Certificates of authorities, also for a package inside a zip archive; and what is wrong with a TLS connection."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

_OWN_AUTHORITY = "set SSL_CERT_FILE to a file with the certificate of your authority, such as that of a company's proxy"


def trusted(needed: bool = True) -> bool | ssl.SSLContext:
    """The `verify` argument for `httpx`: its own default, or a context made from the text of the certificates.

    A zip archive has no file that the TLS library could open, and where nothing can be written none can be unpacked.
    Where no certificate is needed none is loaded: that takes as long as the first twenty answers of a sandbox.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if needed and (file or folder):  # also for this machine, where other variables are ignored
        return ssl.create_default_context(cafile=file or None, capath=folder or None)
    if not needed:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import certifi

    if Path(certifi.__file__).with_name("cacert.pem").is_file():
        return True
    return ssl.create_default_context(cadata=certifi.contents())


_REASONS = {
    10: ("its certificate has expired", "ask who runs it, and check the clock of this machine"),
    18: ("its certificate is signed by itself", _OWN_AUTHORITY),
    19: ("its certificate is signed by an authority that is not known here", _OWN_AUTHORITY),
    20: ("its certificate is signed by an authority that is not known here", _OWN_AUTHORITY),
    62: ("its certificate is for another host name", "check the host of the base URL"),
    64: ("its certificate is for another address", "use the host name that the certificate has"),
}
"""Codes of OpenSSL's verification -> what is wrong, and what to do."""


def tls_trouble(error: BaseException) -> tuple[str, str] | None:
    """What is wrong with a TLS connection, and what to do; `None` for errors that have another cause."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        unlisted = (f"its certificate cannot be trusted ({cause.verify_message})", _OWN_AUTHORITY)
        return _REASONS.get(cause.verify_code, unlisted)
    if cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"):
        return "what answers there does not speak TLS", "check the port, or the proxy that stands between"
    return (
        f"no encrypted connection could be made ({cause.reason or 'TLS'})",
        "check the port, the proxy and the certificates",
    )
