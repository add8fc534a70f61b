"""Generated documents: JSON Schemas, OpenAPI, the MySQL schema and the reference pages. `python -m xunshi.contracts`.

The code is the source. `make contracts` writes the documents, `make check` fails when they differ from the code.
"""
