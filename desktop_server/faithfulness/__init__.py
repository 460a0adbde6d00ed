"""Whether an explanation is true to the net: does what it points to move the answer, and more so than rivals' maps?"""
