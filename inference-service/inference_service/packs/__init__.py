"""Model packs: a folder with `model.yaml` and a network, put on the shelf while the service runs.

`manifest` says what model.yaml may say, `document` reads it, `content` looks at the files, `card` is a pack as others
see it, `shelf` keeps them all, `prepare`, `batch` and `network` run one. `docs/guide/own-models.md` is the guide for
strangers.
"""
