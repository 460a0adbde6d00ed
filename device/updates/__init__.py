"""Model sets that come after the package: signed, tried, and switched to in one step."""
