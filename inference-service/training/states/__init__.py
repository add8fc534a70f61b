"""How the mask state network was made: crops of faces in, one of three states out.

`prepare` cuts face crops out of the labelled pictures (`crops` keeps them), `draw` plans an epoch, `vary` and
`training.paint` vary and paint the crops, `train` fits the `network`, `evaluate` measures it and `card` writes it down,
`export` writes the committed weights.
"""
