"""Preprocessing: signals to model inputs. ``quantize`` imports this very code, so it trains on what is served."""
