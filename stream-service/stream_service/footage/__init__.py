"""Video that is kept: clips of alerting passes and continuous recordings, cut from the packets, never decoded.

A camera's `tap` listens to its packets beside the live hub and keeps the last seconds in memory (`ring`). What is to
stay goes through `writing` into a `reel`, an append-only file in the spool that survives any kill; `spool` makes an MP4
and its boxes of each finished reel, stores them and publishes FootageRecorded. `keeping` ties them together.
"""
