"""What people and programs reach under /faces. A module a resource; `face_search.app` lists them.

`access` decides who may come in, `intake` reads pictures out of requests, `documentation` completes the OpenAPI
document. Pictures of strangers are decoded in a child process, never here.
"""
