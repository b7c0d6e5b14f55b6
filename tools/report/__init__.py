"""Reports on experiments, made of the results that ``sttatts_score`` writes.

::

    page.py             a web page: scores, curves, pictures, recordings
        utterances.py       what was said and heard in each utterance
        media.py            copies of recordings and pictures, drawn curves
    compare.py          experiments beside each other and beside published rows
    curves.py           learning curves; histories.py: what a training reported
    published.py        reads published.yaml
"""
