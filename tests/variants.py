"""Schemes of the catalogue for which others stand in the batteries over all of it: variants of the same updates, as libraries have
them.  Tests that are repeated for them carry the marker `slow`; their rows beside the libraries do not."""

VARIANTS = frozenset("""
a2grad accsgd acprop adabelief-bias-corrected adagrad-lr-decay adai-bias-corrected adam-eps-hat adamod adams adamwsn
adan-bias-corrected adan-optax adapnm ademamix-bias-corrected adopt avagrad bcos bcos-m came-vector dual-adam exadam fadam fromage
kate lamb-eps laprop lars-optax lion-sign lion-tanh mars mars-lion msvag nadam-momentum-decay nadamw optimistic-adam
optimistic-nadam padam pid pnm qhadam-bias-corrected radam radam-torch rmsprop-inside-momentum scion-rms signum-sign
simplified-ademamix simplified-ademamix-ema sm3
""".split())
