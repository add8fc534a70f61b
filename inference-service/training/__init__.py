"""How our networks were made: `python -m training all` from the folder `inference-service` does every step again.

`faces` fits the detector, `states` the network that tells what a face wears; `paint` paints masks, hands, scarves and
glasses on bare faces for both, `export` writes the committed weights.
"""
