"""Schema of a job: how far it is, and when its answer goes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from desktop_server.schema.analysis import FrozenModel


class JobProblem(FrozenModel):
    """Why a job failed: a problem document, which its result answers with, too."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class JobResponse(FrozenModel):
    """To `/v1/jobs`. It changes while the job is worked on: ask again, once or twice a second."""

    schema_: Literal["affectd.job/1"] = Field(default="affectd.job/1", alias="schema")
    id: str
    state: Literal["waiting", "reading", "done", "failed"]
    share: float = Field(ge=0, le=1, description="Of the recording that was read; `compare` reads it twice.")
    length_s: float = Field(ge=0, description="The recording's length, 0 where it is not known yet.")
    remaining_s: float | None = Field(description="About how long the rest will take; null while nothing was read.")
    expires_in_s: float | None = Field(description="For how long the answer is kept; null while there is none.")
    result: str = Field(description="Where the answer will be.")
    problem: JobProblem | None = Field(description="Of a job that failed.")
