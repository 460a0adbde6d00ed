"""What is wrong with a request, in words for whoever sent it. The HTTP side turns each into a problem document."""

from __future__ import annotations

from device.errors import AffectdError


class RequestError(AffectdError):
    """A request that cannot be answered. ``code`` is its name among the problems, see ``http.problems``."""

    def __init__(self, code: str, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.code, self.retry_after_s = code, retry_after_s
