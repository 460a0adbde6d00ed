"""Changes to examples that leave the emotion as it is: faces, voices, and copies of voices made beforehand."""
