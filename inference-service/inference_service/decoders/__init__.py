"""What the outputs of foreign networks mean: one module a kind, pure functions over arrays, no pictures, no runtime.

Every `decode` takes the outputs of one picture as the network gives them, checks their shapes, and gives `Candidates`
in pixels of the network's input. `inference_service.packs.network` brings the picture in and the boxes back out.
"""
