"""The composition root in parts: settings become models, branches, a fusion, a connection and a node."""
