"""Step 3 of 4. Faces in, persons and sightings out. Read `identify` first: it is the story."""
