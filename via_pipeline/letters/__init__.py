"""Editions of the progress letter: what each one sees, and the package of datasets behind it.

Belongs here: an edition's view of deliveries and register, the files of a package. Does not belong
here: a figure or a rule (rooms to the left); an edition computes with the very code of the nightly
run, over an older view. Releasing and freezing editions come later, in this room.
"""
