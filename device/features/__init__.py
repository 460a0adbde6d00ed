"""Signals to model inputs. The workshop (``quantize``) imports this very code, so it trains on what is served."""
