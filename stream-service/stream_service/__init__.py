"""Steps 1 and 3 of 4: camera packets in, frames, tracks, passes and live view out."""
