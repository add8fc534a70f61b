"""How the face network was made: YuNet's weights, fine-tuned on labelled boxes, with a mask state for every face.

`scenes` gathers pictures with their faces, `canvas` composes training pictures from them, `assign` decides which cells
of the network's grids speak for which face, `losses` says how wrong they are, `learn` fits the weights.
"""
