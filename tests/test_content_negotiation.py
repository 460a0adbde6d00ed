"""A table is answered only to who prefers it."""

import pytest

from desktop_server.http.content_negotiation import prefers_csv


@pytest.mark.parametrize(
    "accept",
    [
        "text/csv",
        "TEXT/CSV",
        "text/*",
        "text/csv;q=0.5, application/json;q=0.4",
        "text/csv, */*;q=0.1",
        "text/csv; x=1",
    ],
)
def test_who_prefers_csv_gets_it(accept: str) -> None:
    assert prefers_csv(accept)


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "application/json", "text/csv, application/json", "text/csv;q=0", "text/csv;q=much", "text/html", ",;"],
)
def test_all_others_get_json(accept: str) -> None:
    assert not prefers_csv(accept)
