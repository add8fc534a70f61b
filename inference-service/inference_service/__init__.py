"""Step 3 of a frame's story: find the faces in a picture and tell the mask state of each."""
