"""Decoding of untrusted media, in processes of their own that have limits and may be killed."""
