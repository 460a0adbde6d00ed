"""Analysis of pictures, recordings and live streams: media in, emotions out. No HTTP in here."""
