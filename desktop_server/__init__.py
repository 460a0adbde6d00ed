"""The desktop server: the appliance's pipeline with full-precision models, behind HTTP."""

import device  # noqa: F401 - before any library: it sets what they may do on their own
