"""The routes of stream-service, one module for each kind of picture or question. `app` puts them together."""
