"""Problems: every way in which a request can fail, by a code that programs can rely on.

The HTTP side answers each with a problem document (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device.errors import AffectdError


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: HTTP's status, and a title that is the same each time."""

    status: int
    title: str


PROBLEM_TYPES: Mapping[str, ProblemType] = {
    "malformed-request": ProblemType(400, "The request is not well formed"),
    "missing-media": ProblemType(400, "A file that this address needs is missing"),
    "unknown-field": ProblemType(400, "The form has a field that this address does not know"),
    "unknown-parameter": ProblemType(400, "The address does not know that query parameter"),
    "unknown-header": ProblemType(400, "The request has a header that says what is not read here"),
    "empty-media": ProblemType(400, "The file is empty"),
    "client-gone": ProblemType(400, "The request ended before all of it was there"),
    "no-token": ProblemType(401, "A token is needed"),
    "wrong-token": ProblemType(401, "The token is not valid"),
    "foreign-origin": ProblemType(403, "Another site's page may not ask this server"),
    "foreign-host": ProblemType(403, "This server does not answer under that name"),
    "not-found": ProblemType(404, "There is nothing at this address"),
    "unknown-job": ProblemType(404, "There is no such job"),
    "no-jobs": ProblemType(404, "This server has no jobs"),
    "unknown-model": ProblemType(404, "There is no such model"),
    "method-not-allowed": ProblemType(405, "This address does not take that method"),
    "slow-request": ProblemType(408, "The request took too long to come"),
    "job-unfinished": ProblemType(409, "The job has no result yet"),
    "too-large": ProblemType(413, "The request is too large"),
    "too-many-pixels": ProblemType(413, "The picture or film has too many pixels"),
    "too-long": ProblemType(413, "The recording is too long"),
    "unsupported-media": ProblemType(415, "The file is of a kind that is not read here"),
    "invalid-parameter": ProblemType(422, "A parameter has a value that it cannot have"),
    "invalid-tensor": ProblemType(422, "The tensor is not what the model takes"),
    "unreadable-picture": ProblemType(422, "The picture is damaged"),
    "unreadable-recording": ProblemType(422, "The recording is damaged or incomplete"),
    "nothing-to-read": ProblemType(422, "The file does not hold what was asked for"),
    "too-much-work": ProblemType(422, "The request takes too long to answer"),
    "upgrade-required": ProblemType(426, "This address speaks WebSocket"),
    "rate-limited": ProblemType(429, "Too many requests"),
    "too-many-streams": ProblemType(429, "This client has all the live streams that one client may have"),
    "too-many-jobs": ProblemType(429, "This client has all the jobs that one client may have"),
    "internal-error": ProblemType(500, "Something failed that should not"),
    "tokens-unreadable": ProblemType(503, "The server cannot read its own tokens, so it lets nobody in"),
    "busy": ProblemType(503, "The server has enough to do"),
}


class RequestError(AffectdError):
    """A request that cannot be answered. ``code`` is its name among the problems, one of ``PROBLEM_TYPES``."""

    def __init__(self, code: str, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.code, self.retry_after_s = code, retry_after_s
