"""The configuration: what may be set, the file, what contradicts itself."""
