"""What the Xunshi services share: messages, bus, blobs, settings, errors, rights."""
