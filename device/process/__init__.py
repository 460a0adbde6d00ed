"""What every program here does alike: exit codes, what C libraries print, missing extras."""
