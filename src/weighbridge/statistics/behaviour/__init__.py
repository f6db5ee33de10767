"""The numbers of the behaviour report: what labelled answers to items in several languages show.

`effects` (rates, gaps, difference in differences, instability), `equivalence` (no gap larger than a margin),
`discordant` (a gap found with few calls), `ppi` (a detector's rates corrected by hand labels), `pooling` (rates by
topic) and `acceptance` (who passes a gate of counts). The unit is the item, never the answer.
"""
