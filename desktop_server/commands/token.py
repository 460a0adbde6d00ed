"""``affectd-server token``: make, list or revoke the tokens that the API asks for."""

from __future__ import annotations

import argparse
import sys

from desktop_server.http.tokens import Tokens
from desktop_server.settings import load_server_settings
from desktop_server.wiring.access import token_path


def run(options: argparse.Namespace) -> int:
    """Do it; what a pipe may want (the token, the names) goes to standard output alone."""
    path = token_path(load_server_settings(options.config))
    tokens = Tokens(path)
    if options.action == "create":
        print(tokens.create(options.name))
        print(f"Keep it: it is shown only now, and {path} holds its hash alone.", file=sys.stderr)
    elif options.action == "revoke":
        tokens.revoke(options.name)
    else:
        for name, kept in tokens.known().items():
            print(f"{name}\t{kept.made}")
    return 0
