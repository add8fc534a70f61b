"""What people and programs reach over HTTP and WebSocket. Nothing in here decodes a picture: workers do.

`shared_kernel.door` decides who may come in, `turnstile` how many, `intake` reads requests, `shapes` are the answers,
`submit` has pictures analysed; `session` is one live session, `sessions` keeps them all; `photos` and `live` are the
routes, which `documentation` describes; `service` puts it all together as `parts`.
"""
