"""Certificates of authorities, also where the package and its needs lie inside a zip archive."""

from __future__ import annotations

import os
import ssl
from pathlib import Path


def trusted(needed: bool = True) -> bool | ssl.SSLContext:
    """What `httpx` takes as `verify`: its own default, or a context from the text of the certificates.

    A zip has no file that the TLS library could open, and where nothing can be written none can be unpacked. Where no
    certificate is needed nobody is trusted: reading them all takes as long as the first twenty answers of a sandbox.
    """
    if not needed:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import certifi

    if Path(certifi.__file__).with_name("cacert.pem").is_file() or os.environ.get("SSL_CERT_FILE"):
        return True
    return ssl.create_default_context(cadata=certifi.contents())
