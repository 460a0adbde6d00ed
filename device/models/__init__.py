"""Model files, their cards, and the recognisers made of them."""
