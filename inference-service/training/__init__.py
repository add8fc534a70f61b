"""How the mask state network was made.

`python -m training all` from the folder `inference-service` does every step again: `prepare` cuts face crops out of
the labelled pictures, `train` fits the network (`network`) on them with the variations of `vary` and the painted
masks of `paint`, `evaluate` measures it on the validation pictures, `export` writes the committed weights.
"""
