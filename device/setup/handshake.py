"""The TLS stage: whether the broker speaks it, and whether its certificate can be trusted."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress

from device.errors import AffectdError
from device.publish.broker import BrokerAddress, Tls, tls_context

_DAY_S = 86_400
_ALERT_S = 0.3
"""With TLS 1.3 a broker that misses our certificate says so only after the handshake."""

_REMEDIES = {
    # OpenSSL's X509_V_ERR_*; <openssl/x509_vfy.h>
    9: "is not valid yet; this machine's clock may be wrong: timedatectl set-ntp true",
    10: "has expired; renew it at the broker, or set this machine's clock",
    18: "is signed by nobody but itself; copy it here and name it in mqtt.ca_file",
    19: "is of an authority that is not known here; copy the authority's certificate here and name it in mqtt.ca_file",
    20: "is of an authority that is not known here; copy the authority's certificate here and name it in mqtt.ca_file",
    62: "is for another name; set mqtt.host to the name in the certificate",
    64: "is for another address; set mqtt.host to the name in the certificate",
}


def check_tls(address: BrokerAddress, timeout_s: float) -> str:
    """Shake hands. Raises ``AffectdError`` that names what of the certificate or of TLS is wrong."""
    context = tls_context(address.tls or Tls())
    try:
        with (
            socket.create_connection((address.host, address.port), timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=address.host) as secured,
        ):
            return _described(secured)
    except ssl.SSLCertVerificationError as error:
        remedy = _REMEDIES.get(error.verify_code, "cannot be trusted; see mqtt.ca_file")
        raise AffectdError(f"{address}: the broker's certificate {remedy} ({error.verify_message})") from error
    except OSError as error:  # ssl.SSLError is one
        raise AffectdError(f"{address}: {_fault(error)}") from error


def _described(secured: ssl.SSLSocket) -> str:
    secured.settimeout(_ALERT_S)
    with suppress(TimeoutError):
        secured.recv(1)  # a broker never speaks first
    until = str((secured.getpeercert() or {}).get("notAfter", ""))
    days = (ssl.cert_time_to_seconds(until) - time.time()) / _DAY_S if until else 0
    return f"{secured.version()}, the certificate holds for {days:.0f} more days"


def speaks_tls(address: BrokerAddress, timeout_s: float) -> bool:
    """Whether the port answers a TLS greeting; nothing is sent over it, so nobody's certificate needs to be trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(OSError), socket.create_connection((address.host, address.port), timeout_s) as plain:
        context.wrap_socket(plain).close()
        return True
    return False


def _fault(error: OSError) -> str:
    reason = str(getattr(error, "reason", None) or error.strerror or type(error).__name__)
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return "the broker asks for a certificate of ours; set mqtt.cert_file and mqtt.key_file"
    return f"it speaks no TLS there ({reason}); set mqtt.port to its TLS port (mostly 8883), or mqtt.tls = false"
