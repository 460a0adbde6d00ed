"""The server as HTTP sees it: routes, security, problems."""
