"""What people and programs reach over HTTP and WebSocket. Nothing in here decodes a picture: workers do.

`access` decides who may come in, `intake` reads requests, `shapes` are the answers, `submit` has pictures analysed;
`session` is one live session, `sessions` keeps them all; `photos`, `live` and `models` are the routes.
"""
