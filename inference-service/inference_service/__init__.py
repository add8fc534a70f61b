"""Step 2 of 4: find the faces in a picture and tell the mask state of each."""
