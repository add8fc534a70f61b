"""How right the mask verdict is, beside AIZOO's 260 px detector, on the same labelled pictures.

`python -m bench.mask --data FOLDER` prints the table. `dataset` reads the labels, `ours` and `aizoo` are the two
systems, `measure` matches and counts (pure numbers), `figures` names what is measured, `table` prints it; `negatives`
asks how often a bare face is called masked.

What is fair to both: boxes come with a score for every class, so a class is ranked by its own score and a box may count
for two classes; the same is also given with one label a box, as both are commonly printed. AIZOO has no third class: in
the figures of two classes a box on a face labelled `mask_worn_incorrectly` counts neither way, for both systems.
"""
