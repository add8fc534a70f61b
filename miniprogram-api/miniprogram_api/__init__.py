"""Step 4 of 4: what was seen becomes rows, alerts and live events, and people's API."""
